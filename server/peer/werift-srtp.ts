/** werift's DTLS transport, made to hand out RTP and RTCP decrypted but otherwise as they came. */
import { createSecretKey } from 'node:crypto';
import {
  type IceConnection,
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  RTCDtlsTransport,
} from 'werift';
import { isForgeable } from './dtls-records.ts';
import { followRollover } from './srtp-rollover.ts';

/** In order of preference (RFC 7714, RFC 5764 §4.1.2). */
export const SRTP_PROFILES = [ProtectionProfileAeadAes128Gcm, ProtectionProfileAes128CmHmacSha1_80];

const MAX_EARLY_DATAGRAMS = 4;

/** Where werift would parse and route packets itself, hands them out as they are. */
export class RawRtpTransport extends RTCDtlsTransport {
  onPacket: (packet: Uint8Array, isRtcp: boolean) => void = () => {};

  override startSrtp(): void {
    if (this.srtpStarted) return;
    this.srtpStarted = true;
    this.updateSrtpSession();
    this.srtp.remoteContext.updateRolloverCount = followRollover;
    for (const session of [this.srtp, this.srtcp]) {
      importKeys(session.localContext.cipher);
      importKeys(session.remoteContext.cipher);
    }
    this.iceTransport.connection.onData.subscribe((datagram) => {
      // RFC 7983: 128..191 is RTP or RTCP; RFC 5761 §4 tells them apart.
      if (datagram.length < 12 || (datagram[0] as number) < 128 || (datagram[0] as number) > 191) return;
      const packetType = datagram[1] as number;
      const isRtcp = packetType >= 192 && packetType <= 223;
      let packet: Uint8Array;
      try {
        packet = isRtcp ? this.srtcp.decrypt(datagram) : this.srtp.decrypt(datagram);
      } catch {
        // Not authentic, or damaged: as if it never came.
        return;
      }
      this.onPacket(packet, isRtcp);
    });
    this.#dropForgeries();
  }

  override async stop(): Promise<void> {
    // A handshake in progress would send again for half a minute more; this is how it tells that it has got further.
    if (this.dtls !== undefined) this.dtls.dtls.flight = Number.POSITIVE_INFINITY;
    await super.stop();
  }

  sendRawRtcp(packet: Uint8Array): void {
    if (this.state !== 'connected') return;
    const encrypted = this.srtcp.encrypt(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength));
    // Loss is what RTCP is made for; a send that fails is one.
    this.iceTransport.connection.send(encrypted).catch(() => {});
  }

  /** werift asks neither where a datagram is from nor whether an alert is authentic: one forged would end a session. */
  #dropForgeries(): void {
    const socket = this.dtls?.transport.socket;
    const deliver = socket?.onData;
    if (socket === undefined || deliver === undefined) return;
    socket.onData = (datagram, address) => {
      if (!isForgeable(datagram)) deliver(datagram, address);
    };
  }
}

/**
 * werift holds its session keys as bytes, which Node turns into a key object anew for every packet: three quarters of what
 * a packet's cipher and its authentication cost. Node's ciphers take either.
 */
function importKeys(cipher: object): void {
  for (const [name, key] of Object.entries(cipher)) {
    if (/^s(rtp|rtcp)Session(Key|AuthTag)$/.test(name) && key instanceof Uint8Array) {
      Object.assign(cipher, { [name]: createSecretKey(key) });
    }
  }
}

/**
 * Keeps the remote's first DTLS datagrams, which may overtake the end of ICE here; lost, they would come again only
 * after up to a second.
 */
export function collectDtls(connection: IceConnection): { replay(): void } {
  const datagrams: Buffer[] = [];
  const { unSubscribe } = connection.onData.subscribe((datagram) => {
    // RFC 7983: 20..63 is DTLS.
    const isDtls = (datagram[0] ?? 0) >= 20 && (datagram[0] ?? 0) <= 63;
    if (isDtls && datagrams.length < MAX_EARLY_DATAGRAMS) datagrams.push(datagram);
  });
  return {
    replay(): void {
      unSubscribe();
      for (const datagram of datagrams) connection.onData.execute(datagram);
    },
  };
}
