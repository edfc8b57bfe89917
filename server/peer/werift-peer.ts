/**
 * Peer on werift's ICE, DTLS, SRTP and SCTP; the only importer of werift. Its RTCPeerConnection is left out, and with
 * it werift's RTP receiver and RTCP: packets go decrypted, as bytes, to RtpReceiver, and all RTCP comes from there.
 */
import {
  IceCandidate,
  type IceConnection,
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  parseIceServers,
  type RTCDataChannel,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCIceGatherer,
  RTCIceParameters,
  RTCIceTransport,
  RTCSctpTransport,
} from 'werift';
import { serialDistance16 } from '../../shared/clock.ts';
import { AvsacError } from '../../shared/errors.ts';
import type { Candidate } from '../../shared/signalling.ts';
import { isReachable, parseCandidate } from './ice-candidate.ts';
import type { AnswerResult, CreatePeer, Peer, PeerChannel, PeerListener, PeerOptions, PeerState } from './peer.ts';
import { POLL_INTERVAL_MS, RtpReceiver } from './rtp/rtp-receiver.ts';
import { extensionIds, type Negotiation, negotiate, receivedMedia, writeAnswer } from './sdp-answer.ts';
import { type OfferedSection, parseOffer } from './sdp-offer.ts';
import { findFreePort, hostAddresses, takeTurnToBind } from './udp-sockets.ts';

/** Longest an answer waits for candidates of STUN and TURN servers, ms; those that come later are trickled. */
const GATHER_WAIT_MS = 1000;
/** Nothing heard from the remote for this long, ms: disconnected. Consent (RFC 7675) decides on failed, after 30 s. */
const SILENCE_MS = 5000;
/** Remote candidates taken; each costs connectivity checks. */
const MAX_REMOTE_CANDIDATES = 64;
const MAX_EARLY_DATAGRAMS = 4;
/** The port by convention (RFC 8841 §5.1), ours and the default of the remote's. */
const SCTP_PORT = 5000;
const MAX_MESSAGE_BYTES = 65_536;

export const createWeriftPeer: CreatePeer = (options, listener) => new WeriftPeer(options, listener);

/** Where werift would parse and route packets itself, hands them out as they are. */
class RawRtpTransport extends RTCDtlsTransport {
  onRawRtp: (packet: Uint8Array) => void = () => {};
  onRawRtcp: (packet: Uint8Array) => void = () => {};

  override startSrtp(): void {
    if (this.srtpStarted) return;
    this.srtpStarted = true;
    this.updateSrtpSession();
    this.srtp.remoteContext.updateRolloverCount = followRollover;
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
      if (isRtcp) this.onRawRtcp(packet);
      else this.onRawRtp(packet);
    });
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
}

/**
 * Packet index estimation (RFC 3711 §3.3.1). werift counts a rollover only when fewer than 100 packets around it are
 * lost; with more lost it would reject every packet that follows.
 */
function followRollover(
  sequenceNumber: number,
  state: { rolloverCounter: number; rolloverHasProcessed?: boolean; lastSequenceNumber: number },
): void {
  if (state.rolloverHasProcessed === true) {
    const forward = serialDistance16(sequenceNumber, state.lastSequenceNumber) > 0;
    if (forward && sequenceNumber < state.lastSequenceNumber) state.rolloverCounter++;
    if (!forward && sequenceNumber > state.lastSequenceNumber && state.rolloverCounter > 0) state.rolloverCounter--;
  }
  state.rolloverHasProcessed = true;
  state.lastSequenceNumber = sequenceNumber;
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

class WeriftPeer implements Peer {
  readonly #options: PeerOptions;
  readonly #listener: PeerListener;
  readonly #ice: RTCIceTransport;
  readonly #dtls: RawRtpTransport;
  readonly #receiver: RtpReceiver;
  readonly #poll: NodeJS.Timeout;
  readonly #hostAddressCount: number;
  /** Settles when every host address has its socket. */
  readonly #bound = Promise.withResolvers<void>();
  #sctp: RTCSctpTransport | undefined;
  #sctpStarted = false;
  #remoteSctpPort = SCTP_PORT;
  #state: PeerState = 'new';
  #answering: Promise<unknown> = Promise.resolve();
  #gathering: Promise<void> = Promise.resolve();
  #negotiation: Negotiation | undefined;
  #answerWritten = false;
  #answers = 0;
  #pendingCandidates: Candidate[] = [];
  #remoteCandidates = 0;
  #aliveCount = 0;
  #aliveMs = performance.now();
  #closed: Promise<void> | undefined;

  constructor(options: PeerOptions, listener: PeerListener) {
    this.#options = options;
    this.#listener = listener;
    const addresses = hostAddresses(options.announcedAddresses);
    this.#hostAddressCount = addresses.length;
    const gatherer = new RTCIceGatherer({
      ...parseIceServers(options.iceServers.map((server) => ({ ...server }))),
      // Both off: the list of addresses is ours.
      useIpv4: false,
      useIpv6: false,
      additionalHostAddresses: addresses,
      stunGatherTimeout: GATHER_WAIT_MS / 1000,
    });
    this.#ice = new RTCIceTransport(gatherer);
    // werift asks a public STUN server when none is configured; no configured server means none.
    if (!options.iceServers.some(({ urls }) => urls.startsWith('stun'))) delete this.#ice.connection.stunServer;
    this.#ice.onIceCandidate.subscribe((candidate) => this.#gathered(candidate));
    this.#ice.onStateChange.subscribe(() => this.#updateState());
    this.#dtls = new RawRtpTransport({}, this.#ice, undefined, [
      ProtectionProfileAeadAes128Gcm,
      ProtectionProfileAes128CmHmacSha1_80,
    ]);
    this.#dtls.onStateChange.subscribe(() => this.#updateState());
    this.#receiver = new RtpReceiver(randomSsrc(), (rtcp) => this.#dtls.sendRawRtcp(rtcp));
    this.#dtls.onRawRtp = (packet) => this.#receiver.receiveRtp(packet, performance.now());
    this.#dtls.onRawRtcp = (packet) => this.#receiver.receiveRtcp(packet, performance.now());
    this.#poll = setInterval(() => this.#tick(), POLL_INTERVAL_MS);
  }

  get state(): PeerState {
    return this.#state;
  }

  get roundTripMs(): number | undefined {
    const seconds = this.#ice.connection.nominated?.rtt;
    return seconds === undefined ? undefined : seconds * 1000;
  }

  answer(offerSdp: string): Promise<AnswerResult> {
    const answer = this.#answering.then(() => this.#answer(offerSdp));
    this.#answering = answer.catch(() => {});
    return answer;
  }

  async addCandidate(candidate: Candidate | null): Promise<void> {
    // The end of candidates is not passed on: more may come to light by the remote's checks, and werift gives up
    // at once when the list is complete and empty.
    if (candidate === null || candidate.candidate === '' || this.#closed !== undefined) return;
    parseCandidate(candidate.candidate);
    if (this.#negotiation !== undefined) await this.#addRemoteCandidate(candidate);
    else if (this.#pendingCandidates.length < MAX_REMOTE_CANDIDATES) this.#pendingCandidates.push(candidate);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#poll);
    this.#receiver.close();
    // An answer under way notices, and opens nothing any more.
    await this.#answering;
    await this.#sctp?.stop().catch(() => {});
    // The SCTP ABORT leaves with the next turn of the loop, before the socket closes.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#dtls.stop().catch(() => {});
    // A TURN server that answers late opens its socket late.
    this.#gathering.then(() => this.#ice.connection.close()).catch(() => {});
    this.#setState('closed');
  }

  async #answer(offerSdp: string): Promise<AnswerResult> {
    this.#assertOpen();
    const negotiation = negotiate(parseOffer(offerSdp), this.#options.videoCodecs);
    this.#assertSameDtls(negotiation.transport);
    this.#dtls.localCertificate = await RTCDtlsTransport.SetupCertificate();
    this.#assertOpen();

    const first = this.#negotiation === undefined;
    const restarted = this.#applyTransport(negotiation);
    this.#negotiation = negotiation;
    this.#applyDataChannels(negotiation);
    const media = receivedMedia(negotiation);
    const added = this.#receiver.configure(media, extensionIds(negotiation));
    for (const track of added) this.#listener.track(track);

    if (first || restarted) {
      this.#answerWritten = false;
      await this.#gather();
    }
    const sdp = writeAnswer(negotiation, this.#localTransport());
    this.#answerWritten = true;
    await this.#addOfferedCandidates(negotiation);
    if (first || restarted) this.#connect().catch(() => this.#setState('failed'));
    else if (this.#dtls.state === 'connected') await this.#startSctp();
    return { sdp, refused: negotiation.refused, accepted: [...new Set(media.map(({ kind }) => kind))] };
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new AvsacError('internal', 'the peer is closed');
  }

  #assertSameDtls({ fingerprints }: OfferedSection): void {
    const known = this.#negotiation?.transport.fingerprints;
    if (known === undefined) return;
    if (known.some(({ value }) => fingerprints.some((offered) => offered.value.toLowerCase() === value.toLowerCase())))
      return;
    throw new AvsacError('sdp-invalid', 'the DTLS certificate changed; open a new connection instead');
  }

  /** @returns true when the offer restarted ICE. */
  #applyTransport({ offer, transport }: Negotiation): boolean {
    const previous = this.#negotiation?.transport;
    const restarted =
      previous !== undefined &&
      (previous.usernameFragment !== transport.usernameFragment || previous.password !== transport.password);
    if (previous === undefined) {
      // As the server we choose the cipher, and AES-GCM costs half of what AES-CM with HMAC does in Node.
      this.#dtls.role = transport.setup === 'passive' ? 'client' : 'server';
      const fingerprints = transport.fingerprints.map(
        ({ algorithm, value }) => new RTCDtlsFingerprint(algorithm, value),
      );
      this.#dtls.setRemoteParams(new RTCDtlsParameters(fingerprints, 'auto'));
    }
    if (previous === undefined || restarted) {
      this.#remoteCandidates = 0;
      const { usernameFragment, password } = transport;
      this.#ice.setRemoteParams(new RTCIceParameters({ iceLite: offer.iceLite, usernameFragment, password }));
      // RFC 8445 §6.1.1: the offerer controls, unless it is lite.
      this.#ice.connection.iceControlling = offer.iceLite;
    }
    return restarted;
  }

  #applyDataChannels({ sections }: Negotiation): void {
    const section = sections.find((accepted) => accepted?.section.kind === 'application')?.section;
    if (section === undefined || this.#sctp !== undefined) return;
    this.#sctp = new RTCSctpTransport(SCTP_PORT, MAX_MESSAGE_BYTES);
    this.#sctp.setDtlsTransport(this.#dtls);
    this.#sctp.setRemoteMaxMessageSize(section.maxMessageSize ?? MAX_MESSAGE_BYTES);
    this.#remoteSctpPort = section.sctpPort ?? SCTP_PORT;
    this.#sctp.setRemotePort(this.#remoteSctpPort);
    this.#sctp.onDataChannel.subscribe((channel) => {
      channel.stateChanged.once((state) => {
        if (state === 'open') this.#listener.channel(new WeriftChannel(channel));
      });
    });
  }

  async #gather(): Promise<void> {
    const release = await takeTurnToBind();
    try {
      this.#assertOpen();
      const { portRange } = this.#options;
      if (portRange !== undefined) {
        this.#ice.connection.options.portRange = [await findFreePort(portRange), portRange[1]];
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

  #gathered(candidate: IceCandidate | undefined): void {
    absorbSocketErrors(this.#ice.connection);
    if (this.#ice.localCandidates.length >= this.#hostAddressCount) this.#bound.resolve();
    if (!this.#answerWritten || this.#closed !== undefined) return;
    if (candidate === undefined) {
      this.#listener.candidate(null);
      return;
    }
    const { offer, transport } = this.#negotiation as Negotiation;
    this.#listener.candidate({
      candidate: `candidate:${candidateValue(candidate)}`,
      sdpMid: transport.mid,
      sdpMLineIndex: offer.sections.indexOf(transport),
      usernameFragment: this.#ice.localParameters.usernameFragment,
    });
  }

  #localTransport(): Parameters<typeof writeAnswer>[1] {
    const { usernameFragment, password } = this.#ice.localParameters;
    const fingerprints = this.#dtls.localParameters.fingerprints;
    const fingerprint = fingerprints.find(({ algorithm }) => algorithm === 'sha-256') ?? fingerprints[0];
    if (fingerprint === undefined) throw new AvsacError('internal', 'no DTLS certificate');
    return {
      version: ++this.#answers,
      usernameFragment,
      password,
      fingerprint,
      setup: this.#dtls.role === 'server' ? 'passive' : 'active',
      candidates: this.#ice.localCandidates.map(candidateValue),
      gathered: this.#ice.gatheringState === 'complete',
      sctpPort: SCTP_PORT,
      maxMessageSize: MAX_MESSAGE_BYTES,
    };
  }

  async #addOfferedCandidates({ transport }: Negotiation): Promise<void> {
    const pending = this.#pendingCandidates;
    this.#pendingCandidates = [];
    for (const candidate of transport.candidates) await this.#addRemoteCandidate({ candidate }).catch(() => {});
    for (const candidate of pending) await this.#addRemoteCandidate(candidate);
  }

  async #addRemoteCandidate({ candidate, usernameFragment }: Candidate): Promise<void> {
    const parsed = parseCandidate(candidate);
    const current = this.#negotiation?.transport.usernameFragment;
    // One from before an ICE restart is of no use after it.
    if (usernameFragment != null && usernameFragment !== current) return;
    if (!isReachable(parsed) || this.#remoteCandidates >= MAX_REMOTE_CANDIDATES) return;
    this.#remoteCandidates++;
    const { foundation, component, address, port, priority, transport, type } = parsed;
    // Without its generation: werift compares it with a count of its own.
    await this.#ice.addRemoteCandidate(
      new IceCandidate(component, foundation, address, port, priority, transport, type),
    );
  }

  async #connect(): Promise<void> {
    this.#updateState();
    const early = collectDtls(this.#ice.connection);
    await this.#ice.start();
    const handshake = this.#dtls.state === 'new' ? this.#dtls.start() : undefined;
    early.replay();
    await handshake;
    if (this.#dtls.state === 'connected') await this.#startSctp();
    this.#updateState();
  }

  async #startSctp(): Promise<void> {
    if (this.#sctp === undefined || this.#sctpStarted) return;
    this.#sctpStarted = true;
    await this.#sctp.start(this.#remoteSctpPort);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#receiver.poll(nowMs, this.roundTripMs);
    const pair = this.#ice.connection.nominated;
    const aliveCount = pair === undefined ? 0 : pair.packetsReceived + pair.requestsReceived + pair.responsesReceived;
    if (aliveCount !== this.#aliveCount) {
      this.#aliveCount = aliveCount;
      this.#aliveMs = nowMs;
    }
    this.#updateState();
  }

  #updateState(): void {
    this.#setState(this.#currentState());
  }

  #currentState(): PeerState {
    if (this.#state === 'closed' || this.#dtls.state === 'closed') return 'closed';
    if (this.#ice.state === 'failed' || this.#dtls.state === 'failed') return 'failed';
    if (this.#negotiation === undefined) return 'new';
    // werift's ICE calls itself completed when gathering has; only a nominated pair is a connection.
    if (this.#ice.connection.nominated === undefined || this.#dtls.state !== 'connected') return 'connecting';
    return performance.now() - this.#aliveMs > SILENCE_MS ? 'disconnected' : 'connected';
  }

  #setState(state: PeerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.state(state);
  }
}

/** `a=candidate` value, without the leading name. */
function candidateValue(candidate: IceCandidate): string {
  return candidate.toJSON().candidate.replace(/^candidate:/, '');
}

/**
 * werift sends without a callback: an address that cannot be reached becomes an `error` event of the socket, which
 * would end the process, for nothing listens there. A datagram not sent is a datagram lost.
 */
function absorbSocketErrors(connection: IceConnection): void {
  const { protocols } = connection as unknown as {
    readonly protocols: readonly { readonly transport?: { readonly socket?: NodeJS.EventEmitter } }[];
  };
  for (const { transport } of protocols) {
    if (transport?.socket?.listenerCount('error') === 0) transport.socket.on('error', () => {});
  }
}

/**
 * Keeps the remote's first DTLS datagrams, which may overtake the end of ICE here; lost, they would come again only
 * after up to a second.
 */
function collectDtls(connection: IceConnection): { replay(): void } {
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

function randomSsrc(): number {
  return 1 + Math.floor(Math.random() * 0xfffffffe);
}
