/** werift's DTLS transport, made to hand out RTP and RTCP decrypted by srtp.ts, otherwise as they came. */
import {
  type IceConnection,
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  RTCDtlsTransport,
} from 'werift';
import { ALERT, isForgeable } from './dtls-records.ts';
import { SrtcpSender, SrtpReceiver } from './srtp.ts';
import { SRTP_PROFILES, type SrtpProfile } from './srtp-cipher.ts';

const PROFILES: ReadonlyMap<number, SrtpProfile> = new Map([
  [ProtectionProfileAeadAes128Gcm, 'SRTP_AEAD_AES_128_GCM'],
  [ProtectionProfileAes128CmHmacSha1_80, 'SRTP_AES128_CM_HMAC_SHA1_80'],
]);

/** In order of preference. */
export const OFFERED_PROFILES = [...PROFILES.keys()] as ConstructorParameters<typeof RTCDtlsTransport>[3];

const MAX_EARLY_DATAGRAMS = 4;
/** Level and description of the alert. */
const CLOSE_NOTIFY = Buffer.of(1, 0);

/** Where werift would decrypt, parse and route packets itself, hands them out as bytes. */
export class RawRtpTransport extends RTCDtlsTransport {
  onPacket: (packet: Uint8Array, isRtcp: boolean) => void = () => {};
  #receiver: SrtpReceiver | undefined;
  #sender: SrtcpSender | undefined;

  override startSrtp(): void {
    if (this.srtpStarted) return;
    this.srtpStarted = true;
    const profile = PROFILES.get(this.dtls?.srtp.srtpProfile ?? 0);
    if (this.dtls === undefined || profile === undefined) throw new Error('no SRTP profile in common');
    const { keyBytes, saltBytes } = SRTP_PROFILES[profile];
    const { localKey, localSalt, remoteKey, remoteSalt } = this.dtls.extractSessionKeys(keyBytes, saltBytes);
    this.#receiver = new SrtpReceiver(profile, remoteKey, remoteSalt);
    this.#sender = new SrtcpSender(profile, localKey, localSalt);
    // What comes by way of a TURN server; the rest does not pass here.
    this.iceTransport.connection.onData.subscribe((datagram) => void this.receive(datagram));
    this.#dropForgeries();
  }

  /**
   * Takes a datagram when it is RTP or RTCP (RFC 7983: its first byte is 128 to 191), and decrypts it in place.
   * @returns false when it is not, or comes before the keys.
   */
  receive(datagram: Uint8Array): boolean {
    if (this.#receiver === undefined || datagram.length < 2 || datagram[0]! >> 6 !== 2) return false;
    // RFC 5761 §4 tells the two apart.
    const isRtcp = datagram[1]! >= 192 && datagram[1]! <= 223;
    // Not authentic, or damaged: as if it never came.
    const packet = isRtcp ? this.#receiver.openRtcp(datagram) : this.#receiver.openRtp(datagram);
    if (packet !== undefined) this.onPacket(packet, isRtcp);
    return true;
  }

  override async stop(): Promise<void> {
    // A handshake in progress would send again for half a minute more; this is how it tells that it has got further.
    if (this.dtls !== undefined) this.dtls.dtls.flight = Number.POSITIVE_INFINITY;
    // The remote need not wait for consent to expire (RFC 7675 §5.2).
    if (this.state === 'connected') await this.#sendCloseNotify().catch(() => {});
    await super.stop();
  }

  sendRawRtcp(packet: Uint8Array): void {
    if (this.state !== 'connected' || this.#sender === undefined) return;
    // Loss is what RTCP is made for; a send that fails is one.
    this.iceTransport.connection.send(this.#sender.seal(packet)).catch(() => {});
  }

  /** werift knows no alerts: a record of application data is made one just before it is encrypted (RFC 5246 §7.2.1). */
  async #sendCloseNotify(): Promise<void> {
    if (this.dtls === undefined) return;
    const { cipher } = this.dtls;
    const encrypt = cipher.encryptPacket.bind(cipher);
    cipher.encryptPacket = (record) => {
      record.recordLayerHeader.contentType = ALERT;
      return encrypt(record);
    };
    await this.dtls.send(CLOSE_NOTIFY);
    // It leaves with the next turn of the loop, before the socket closes.
    await new Promise((resolve) => setImmediate(resolve));
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
