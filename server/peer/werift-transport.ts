/**
 * ICE, DTLS, SRTP and SCTP of one peer, by werift; this and werift-srtp.ts alone import it. Its RTCPeerConnection is
 * left out, and with it its RTP receiver and RTCP: packets come out decrypted, as bytes.
 */
import {
  IceCandidate,
  parseIceServers,
  type RTCDataChannel,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCIceGatherer,
  RTCIceParameters,
  RTCIceTransport,
  RTCSctpTransport,
} from 'werift';
import { AvsacError } from '../../shared/errors.ts';
import type { ParsedCandidate } from './ice-candidate.ts';
import type { PeerChannel, PeerOptions, PeerState } from './peer.ts';
import type { LocalTransport } from './sdp-answer.ts';
import { findFreePort, hostAddresses, takeTurnToBind } from './udp-sockets.ts';
import { limitRetransmits } from './werift-partial-reliability.ts';
import { collectDtls, OFFERED_PROFILES, RawRtpTransport } from './werift-srtp.ts';

/** Longest an answer waits for candidates of STUN and TURN servers, ms; those that come later are trickled. */
const GATHER_WAIT_MS = 1000;
/** Nothing heard from the remote for this long, ms: disconnected. Consent (RFC 7675) decides on failed, after 30 s. */
const SILENCE_MS = 5000;
/** The port by convention (RFC 8841 §5.1). */
const SCTP_PORT = 5000;
const MAX_MESSAGE_BYTES = 65_536;

export interface TransportListener {
  /** One RTP packet, decrypted. */
  rtp(packet: Uint8Array): void;
  /** One compound RTCP packet, decrypted. */
  rtcp(packet: Uint8Array): void;
  /** `a=candidate` value gathered; undefined when gathering ended. */
  candidate(candidate: string | undefined): void;
  channel(channel: PeerChannel): void;
  /** The state may have changed. */
  changed(): void;
}

/** The remote's side of the transport, from its offer. */
export interface RemoteTransport {
  readonly iceLite: boolean;
  readonly usernameFragment: string;
  readonly password: string;
  readonly fingerprints: readonly { readonly algorithm: string; readonly value: string }[];
  readonly setup: string;
}

/** Of werift's host candidates. */
interface UdpTransport {
  readonly socket?: NodeJS.EventEmitter;
  onData: (datagram: Buffer, address: readonly [string, number]) => void;
}

class WeriftChannel implements PeerChannel {
  readonly #channel: RTCDataChannel;

  constructor(channel: RTCDataChannel) {
    this.#channel = channel;
  }

  get label(): string {
    return this.#channel.label;
  }

  get bufferedAmount(): number {
    return this.#channel.bufferedAmount;
  }

  get open(): boolean {
    return this.#channel.readyState === 'open';
  }

  send(data: string | Uint8Array): boolean {
    if (!this.open) return false;
    this.#channel.send(typeof data === 'string' ? data : Buffer.from(data));
    return true;
  }
}

export class WeriftTransport {
  readonly #portRange: PeerOptions['portRange'];
  readonly #videoBitrateBps: number;
  readonly #listener: TransportListener;
  readonly #ice: RTCIceTransport;
  readonly #dtls: RawRtpTransport;
  readonly #hostAddressCount: number;
  /** Settles when every host address has its socket. */
  readonly #bound = Promise.withResolvers<void>();
  #remote: RemoteTransport | undefined;
  /** Our username fragments now and before the last ICE restart, until which the remote checks with the old one. */
  #fragments: readonly string[] = [];
  #gathering: Promise<void> = Promise.resolve();
  #sctp: RTCSctpTransport | undefined;
  #remoteSctpPort = SCTP_PORT;
  #sctpStarted = false;
  #closed = false;
  /** Authentic ones. */
  #mediaPackets = 0;
  #aliveCount = 0;
  #aliveMs = performance.now();

  constructor(options: PeerOptions, listener: TransportListener) {
    const { iceServers, portRange, announcedAddresses, videoBitrateBps } = options;
    this.#portRange = portRange;
    this.#videoBitrateBps = videoBitrateBps;
    this.#listener = listener;
    const addresses = hostAddresses(announcedAddresses);
    this.#hostAddressCount = addresses.length;
    const gatherer = new RTCIceGatherer({
      ...parseIceServers(iceServers.map((server) => ({ ...server }))),
      // Both off: the list of addresses is ours.
      useIpv4: false,
      useIpv6: false,
      additionalHostAddresses: addresses,
      stunGatherTimeout: GATHER_WAIT_MS / 1000,
      // werift takes checks from anyone; only who was told our fragment belongs here (RFC 8445 §7.3).
      filterStunResponse: (message) =>
        this.#fragments.includes(String(message.getAttributeValue('USERNAME')).split(':')[0] as string),
    });
    this.#ice = new RTCIceTransport(gatherer);
    // werift asks a public STUN server when none is configured; no configured server means none.
    if (!iceServers.some(({ urls }) => urls.startsWith('stun'))) delete this.#ice.connection.stunServer;
    this.#ice.onIceCandidate.subscribe((candidate) => {
      this.#takeOverSockets();
      if (this.#ice.localCandidates.length >= this.#hostAddressCount) this.#bound.resolve();
      if (!this.#closed) listener.candidate(candidate === undefined ? undefined : candidateValue(candidate));
    });
    this.#ice.onStateChange.subscribe(() => listener.changed());
    this.#dtls = new RawRtpTransport({}, this.#ice, undefined, OFFERED_PROFILES);
    this.#dtls.onStateChange.subscribe(() => listener.changed());
    this.#dtls.onPacket = (packet, isRtcp) => {
      this.#mediaPackets++;
      if (isRtcp) listener.rtcp(packet);
      else listener.rtp(packet);
    };
  }

  /** `disconnected` is noticed by `poll`. */
  get state(): PeerState {
    if (this.#closed || this.#dtls.state === 'closed') return 'closed';
    if (this.#ice.state === 'failed' || this.#dtls.state === 'failed') return 'failed';
    if (this.#remote === undefined) return 'new';
    // werift's ICE calls itself completed when gathering has; only a nominated pair is a connection.
    if (this.#ice.connection.nominated === undefined || this.#dtls.state !== 'connected') return 'connecting';
    return performance.now() - this.#aliveMs > SILENCE_MS ? 'disconnected' : 'connected';
  }

  /** Of the selected candidate pair's last check, ms; undefined before the first. */
  get roundTripMs(): number | undefined {
    const seconds = this.#ice.connection.nominated?.rtt;
    return seconds === undefined ? undefined : seconds * 1000;
  }

  /**
   * Takes the remote's parameters, of the first offer or a later one.
   * @returns true when ICE begins, or begins anew: gather and connect then.
   * @throws AvsacError `sdp-invalid` when the DTLS certificate is not the first offer's.
   */
  async accept(remote: RemoteTransport): Promise<boolean> {
    const previous = this.#remote;
    if (previous === undefined) {
      this.#dtls.localCertificate = await RawRtpTransport.SetupCertificate();
      // As the server we choose the cipher, and AES-GCM costs half of what AES-CM with HMAC does in Node.
      this.#dtls.role = remote.setup === 'passive' ? 'client' : 'server';
      const fingerprints = remote.fingerprints.map(({ algorithm, value }) => new RTCDtlsFingerprint(algorithm, value));
      this.#dtls.setRemoteParams(new RTCDtlsParameters(fingerprints, 'auto'));
    } else if (!haveCommonFingerprint(previous, remote)) {
      throw new AvsacError('sdp-invalid', 'the DTLS certificate changed; open a new connection instead');
    }
    this.#remote = remote;
    const { iceLite, usernameFragment, password } = remote;
    if (previous?.usernameFragment === usernameFragment && previous.password === password) return false;
    this.#ice.setRemoteParams(new RTCIceParameters({ iceLite, usernameFragment, password }));
    // RFC 8445 §6.1.1: the offerer controls, unless it is lite.
    this.#ice.connection.iceControlling = iceLite;
    this.#fragments = [...this.#fragments.slice(-1), this.#ice.connection.localUsername];
    return true;
  }

  /**
   * Opens the sockets and collects candidates, for a second at most.
   * @throws AvsacError `internal` when no socket can be opened, or the transport is closed.
   */
  async gather(): Promise<void> {
    const release = await takeTurnToBind();
    try {
      this.#assertOpen();
      if (this.#portRange !== undefined) {
        this.#ice.connection.options.portRange = [await findFreePort(this.#portRange), this.#portRange[1]];
      }
    } catch (error) {
      release();
      throw error;
    }
    this.#gathering = this.#ice.gather();
    Promise.race([this.#gathering, this.#bound.promise]).finally(release);
    const wait = Promise.withResolvers<void>();
    const timer = setTimeout(wait.resolve, GATHER_WAIT_MS);
    await Promise.race([this.#gathering, wait.promise]);
    clearTimeout(timer);
    this.#assertOpen();
    if (this.#ice.localCandidates.length === 0) throw new AvsacError('internal', 'no UDP socket could be opened');
  }

  /** @param version of the session description it goes into. */
  describe(version: number): LocalTransport {
    const { usernameFragment, password } = this.#ice.localParameters;
    const fingerprints = this.#dtls.localParameters.fingerprints;
    const fingerprint = fingerprints.find(({ algorithm }) => algorithm === 'sha-256') ?? fingerprints[0];
    if (fingerprint === undefined) throw new AvsacError('internal', 'no DTLS certificate');
    return {
      version,
      usernameFragment,
      password,
      fingerprint,
      setup: this.#dtls.role === 'server' ? 'passive' : 'active',
      candidates: this.#ice.localCandidates.map(candidateValue),
      gathered: this.#ice.gatheringState === 'complete',
      sctpPort: SCTP_PORT,
      maxMessageSize: MAX_MESSAGE_BYTES,
      videoBitrateBps: this.#videoBitrateBps,
    };
  }

  async addRemoteCandidate(candidate: ParsedCandidate): Promise<void> {
    const { component, foundation, address, port, priority, transport, type } = candidate;
    // Without its generation: werift compares it with a count of its own.
    await this.#ice.addRemoteCandidate(
      new IceCandidate(component, foundation, address, port, priority, transport, type),
    );
  }

  /** Connects ICE, then DTLS, then the data channels. Rejects when either fails. */
  async connect(): Promise<void> {
    const early = collectDtls(this.#ice.connection);
    await this.#ice.start();
    const handshake = this.#dtls.state === 'new' ? this.#dtls.start() : undefined;
    early.replay();
    await handshake;
    this.#aliveMs = performance.now();
    this.#listener.changed();
    await this.#startSctp();
  }

  /** Lets the remote open data channels, from the first offer that has them on. */
  async openChannels(remotePort: number | undefined, remoteMaxMessageBytes: number | undefined): Promise<void> {
    if (this.#sctp === undefined) {
      this.#sctp = new RTCSctpTransport(SCTP_PORT, MAX_MESSAGE_BYTES);
      this.#sctp.setDtlsTransport(this.#dtls);
      limitRetransmits(this.#sctp);
      this.#sctp.setRemoteMaxMessageSize(remoteMaxMessageBytes ?? MAX_MESSAGE_BYTES);
      this.#remoteSctpPort = remotePort ?? SCTP_PORT;
      this.#sctp.setRemotePort(this.#remoteSctpPort);
      this.#sctp.onDataChannel.subscribe((channel) => {
        channel.stateChanged.once((state) => {
          if (state === 'open') this.#listener.channel(new WeriftChannel(channel));
        });
      });
    }
    await this.#startSctp();
  }

  sendRtcp(packet: Uint8Array): void {
    this.#dtls.sendRawRtcp(packet);
  }

  /** Call it often: notices silence. */
  poll(nowMs: number): void {
    const pair = this.#ice.connection.nominated;
    const received = pair === undefined ? 0 : pair.packetsReceived + pair.requestsReceived + pair.responsesReceived;
    const aliveCount = received + this.#mediaPackets;
    if (aliveCount !== this.#aliveCount) {
      this.#aliveCount = aliveCount;
      this.#aliveMs = nowMs;
    }
    this.#listener.changed();
  }

  /** Ends what `gather` and `connect` began. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#sctp?.stop().catch(() => {});
    // The SCTP ABORT leaves with the next turn of the loop, before the socket closes.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#dtls.stop().catch(() => {});
    // A TURN server that answers late opens its socket late.
    this.#gathering.then(() => this.#ice.connection.close()).catch(() => {});
  }

  /**
   * Media goes past werift, which would look at each datagram for STUN first. It also sends without a callback: an address that
   * cannot be reached becomes an `error` event of the socket, which would end the process, for nothing listens there. A
   * datagram not sent is a datagram lost.
   */
  #takeOverSockets(): void {
    const { protocols } = this.#ice.connection as unknown as {
      readonly protocols: readonly { transport?: UdpTransport }[];
    };
    for (const { transport } of protocols) {
      if (transport?.socket === undefined || transport.socket.listenerCount('error') > 0) continue;
      transport.socket.on('error', () => {});
      const deliver = transport.onData;
      transport.onData = (datagram, address) => {
        if (!this.#dtls.receive(datagram)) deliver(datagram, address);
      };
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new AvsacError('internal', 'the peer is closed');
  }

  async #startSctp(): Promise<void> {
    if (this.#sctp === undefined || this.#sctpStarted || this.#dtls.state !== 'connected') return;
    this.#sctpStarted = true;
    await this.#sctp.start(this.#remoteSctpPort);
  }
}

function haveCommonFingerprint(a: RemoteTransport, b: RemoteTransport): boolean {
  const known = new Set(a.fingerprints.map(({ value }) => value.toLowerCase()));
  return b.fingerprints.some(({ value }) => known.has(value.toLowerCase()));
}

/** `a=candidate` value, without the leading name. */
function candidateValue(candidate: IceCandidate): string {
  return candidate.toJSON().candidate.replace(/^candidate:/, '');
}
