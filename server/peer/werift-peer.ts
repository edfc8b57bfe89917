/** Peer on werift's transports, with RTP and RTCP of our own. */
import { AvsacError } from '../../shared/errors.ts';
import type { Candidate } from '../../shared/signalling.ts';
import { isReachable, parseCandidate } from './ice-candidate.ts';
import type { AnswerResult, CreatePeer, Peer, PeerListener, PeerOptions, PeerState } from './peer.ts';
import { POLL_INTERVAL_MS, RtpReceiver } from './rtp/rtp-receiver.ts';
import { extensionIds, type Negotiation, negotiate, receivedMedia, writeAnswer } from './sdp-answer.ts';
import { parseOffer } from './sdp-offer.ts';
import { WeriftTransport } from './werift-transport.ts';

/** Remote candidates taken before ICE restarts; each costs connectivity checks. */
const MAX_REMOTE_CANDIDATES = 64;

export const createWeriftPeer: CreatePeer = (options, listener) => new WeriftPeer(options, listener);

class WeriftPeer implements Peer {
  readonly #options: PeerOptions;
  readonly #listener: PeerListener;
  readonly #transport: WeriftTransport;
  readonly #receiver: RtpReceiver;
  readonly #timer: NodeJS.Timeout;
  #state: PeerState = 'new';
  #negotiation: Negotiation | undefined;
  /** The answer under way, or the last. */
  #answering: Promise<unknown> = Promise.resolve();
  #answers = 0;
  /** Candidates are in the answer until it is written, and trickled after. */
  #trickling = false;
  #pendingCandidates: Candidate[] = [];
  #remoteCandidates = 0;
  #closed: Promise<void> | undefined;

  constructor(options: PeerOptions, listener: PeerListener) {
    this.#options = options;
    this.#listener = listener;
    this.#transport = new WeriftTransport(options, {
      rtp: (packet) => this.#receiver.receiveRtp(packet, performance.now()),
      rtcp: (packet) => this.#receiver.receiveRtcp(packet, performance.now()),
      candidate: (candidate) => this.#trickle(candidate),
      channel: (channel) => listener.channel(channel),
      changed: () => this.#updateState(),
    });
    this.#receiver = new RtpReceiver(randomSsrc(), (rtcp) => this.#transport.sendRtcp(rtcp));
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#receiver.poll(nowMs, this.roundTripMs);
      this.#transport.poll(nowMs);
    }, POLL_INTERVAL_MS);
  }

  get state(): PeerState {
    return this.#state;
  }

  get roundTripMs(): number | undefined {
    return this.#transport.roundTripMs;
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
    clearInterval(this.#timer);
    this.#receiver.close();
    await this.#transport.close();
    // An answer under way notices, and opens nothing any more.
    await this.#answering;
    this.#setState('closed');
  }

  async #answer(offerSdp: string): Promise<AnswerResult> {
    this.#assertOpen();
    const negotiation = negotiate(parseOffer(offerSdp), this.#options.videoCodecs);
    const { offer, sections, transport, refused } = negotiation;
    const connects = await this.#transport.accept({ ...transport, iceLite: offer.iceLite });
    this.#assertOpen();
    this.#negotiation = negotiation;

    const media = receivedMedia(negotiation);
    const added = this.#receiver.configure(media, extensionIds(negotiation));
    for (const track of added) this.#listener.track(track);
    const channels = sections.find((accepted) => accepted?.section.kind === 'application')?.section;
    if (channels !== undefined) await this.#transport.openChannels(channels.sctpPort, channels.maxMessageSize);
    if (connects) {
      this.#trickling = false;
      this.#remoteCandidates = 0;
      await this.#transport.gather();
    }
    const sdp = writeAnswer(negotiation, this.#transport.describe(++this.#answers));
    this.#trickling = true;

    const offered = transport.candidates.map((candidate) => ({ candidate }));
    for (const candidate of [...offered, ...this.#pendingCandidates.splice(0)]) {
      await this.#addRemoteCandidate(candidate).catch(() => {});
    }
    this.#updateState();
    if (connects) this.#transport.connect().catch(() => this.#updateState());
    return { sdp, refused, accepted: [...new Set(media.map(({ kind }) => kind))] };
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new AvsacError('internal', 'the peer is closed');
  }

  async #addRemoteCandidate({ candidate, usernameFragment }: Candidate): Promise<void> {
    const parsed = parseCandidate(candidate);
    const current = this.#negotiation?.transport.usernameFragment;
    // One from before an ICE restart is of no use after it.
    if (typeof usernameFragment === 'string' && usernameFragment !== current) return;
    if (!isReachable(parsed) || this.#remoteCandidates >= MAX_REMOTE_CANDIDATES) return;
    this.#remoteCandidates++;
    await this.#transport.addRemoteCandidate(parsed);
  }

  #trickle(candidate: string | undefined): void {
    if (!this.#trickling || this.#negotiation === undefined) return;
    if (candidate === undefined) {
      this.#listener.candidate(null);
      return;
    }
    const { offer, transport } = this.#negotiation;
    this.#listener.candidate({
      candidate: `candidate:${candidate}`,
      sdpMid: transport.mid,
      sdpMLineIndex: offer.sections.indexOf(transport),
    });
  }

  #updateState(): void {
    if (this.#closed === undefined) this.#setState(this.#transport.state);
  }

  #setState(state: PeerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.state(state);
  }
}

function randomSsrc(): number {
  return 1 + Math.floor(Math.random() * 0xfffffffe);
}
