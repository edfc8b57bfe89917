/** Peer without a network, driven by the test. Its answers are negotiated for real; media and channels are the test's. */
import { AvsacError } from '../../shared/errors.ts';
import type { Candidate } from '../../shared/signalling.ts';
import type { EncodedChunk, SenderReport } from '../media/encoded-chunk.ts';
import { parseCandidate } from './ice-candidate.ts';
import type {
  AnswerResult,
  Peer,
  PeerChannel,
  PeerListener,
  PeerOptions,
  PeerState,
  RemoteTrack,
  TrackListener,
  TrackStats,
} from './peer.ts';
import { negotiate, receivedMedia, writeAnswer } from './sdp-answer.ts';
import { parseOffer } from './sdp-offer.ts';

const NO_STATS: TrackStats = {
  packetsReceived: 0,
  packetsLost: 0,
  packetsRecovered: 0,
  payloadBytes: 0,
  nacksSent: 0,
  plisSent: 0,
  framesDropped: 0,
};

export class FakeTrack implements RemoteTrack {
  readonly kind: 'audio' | 'video';
  readonly mid: string;
  readonly codec: string;
  readonly clockRate: number;
  readonly channels: number;
  /** Times a key frame was asked for. */
  keyFrameRequests = 0;
  #listener: TrackListener | undefined;
  #ended = false;
  #stats = NO_STATS;

  constructor({
    kind,
    mid,
    codec,
    clockRate,
    channels,
  }: Pick<RemoteTrack, 'kind' | 'mid' | 'codec' | 'clockRate' | 'channels'>) {
    this.kind = kind;
    this.mid = mid;
    this.codec = codec;
    this.clockRate = clockRate;
    this.channels = channels;
  }

  listen(listener: TrackListener): void {
    this.#listener = listener;
    if (this.#ended) listener.ended();
  }

  requestKeyFrame(): void {
    this.keyFrameRequests++;
  }

  stats(): TrackStats {
    return this.#stats;
  }

  /** A frame arrives, in one packet. */
  deliver(chunk: EncodedChunk): void {
    if (this.#ended) return;
    const { packetsReceived, payloadBytes } = this.#stats;
    this.#stats = {
      ...this.#stats,
      packetsReceived: packetsReceived + 1,
      payloadBytes: payloadBytes + chunk.data.length,
    };
    this.#listener?.chunk(chunk);
  }

  /** A sender report arrives. */
  report(report: SenderReport): void {
    if (!this.#ended) this.#listener?.senderReport(report);
  }

  /** The track ends. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener?.ended();
  }
}

export class FakeChannel implements PeerChannel {
  readonly label: string;
  open = true;
  /** Set it to say that the network is behind. */
  bufferedAmount = 0;
  /** What was sent, oldest first. */
  readonly sent: (string | Uint8Array)[] = [];

  constructor(label: string) {
    this.label = label;
  }

  send(data: string | Uint8Array): boolean {
    if (!this.open) return false;
    this.sent.push(typeof data === 'string' ? data : new Uint8Array(data));
    return true;
  }
}

export class FakePeer implements Peer {
  readonly options: PeerOptions;
  roundTripMs: number | undefined;
  /** Remote candidates taken. */
  readonly candidates: (Candidate | null)[] = [];
  readonly channels: FakeChannel[] = [];
  tracks: FakeTrack[] = [];
  /** Why the peer was closed; undefined while it is open. */
  closeReason: string | undefined;
  readonly #listener: PeerListener;
  #state: PeerState = 'new';
  #answers = 0;

  constructor(options: PeerOptions, listener: PeerListener) {
    this.options = options;
    this.#listener = listener;
  }

  get state(): PeerState {
    return this.#state;
  }

  async answer(offerSdp: string): Promise<AnswerResult> {
    if (this.closeReason !== undefined) throw new AvsacError('internal', 'the peer is closed');
    const negotiation = negotiate(parseOffer(offerSdp), this.options.videoCodecs);
    const media = receivedMedia(negotiation);
    const kept = this.tracks.filter((track) =>
      media.some(({ mid, codec }) => track.mid === mid && track.codec === codec),
    );
    for (const track of this.tracks) if (!kept.includes(track)) track.end();
    const added = media
      .filter(({ mid }) => !kept.some((track) => track.mid === mid))
      .map((section) => new FakeTrack(section));
    this.tracks = [...kept, ...added];
    for (const track of added) this.#listener.track(track);
    if (this.#state === 'new') this.setState('connecting');
    return {
      sdp: writeAnswer(negotiation, {
        version: ++this.#answers,
        usernameFragment: 'fake',
        password: 'fakefakefakefakefakefake',
        fingerprint: { algorithm: 'sha-256', value: new Array(32).fill('00').join(':') },
        setup: 'passive',
        candidates: ['1 1 udp 2130706431 127.0.0.1 9 typ host'],
        gathered: true,
        sctpPort: 5000,
        maxMessageSize: 65_536,
        videoBitrateBps: this.options.videoBitrateBps,
      }),
      refused: negotiation.refused,
      accepted: [...new Set(media.map(({ kind }) => kind))],
    };
  }

  async addCandidate(candidate: Candidate | null): Promise<void> {
    if (candidate !== null && candidate.candidate !== '') parseCandidate(candidate.candidate);
    this.candidates.push(candidate);
  }

  async close(reason: string): Promise<void> {
    if (this.closeReason !== undefined) return;
    this.closeReason = reason;
    for (const track of this.tracks) track.end();
    for (const channel of this.channels) channel.open = false;
    this.setState('closed');
  }

  /** The connection takes this state. */
  setState(state: PeerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.state(state);
  }

  /** The remote opens a data channel. */
  openChannel(label: string): FakeChannel {
    const channel = new FakeChannel(label);
    this.channels.push(channel);
    this.#listener.channel(channel);
    return channel;
  }

  /** The first track of this kind. @throws Error when there is none. */
  track(kind: 'audio' | 'video'): FakeTrack {
    const track = this.tracks.find((candidate) => candidate.kind === kind);
    if (track === undefined) throw new Error(`no ${kind} track was negotiated`);
    return track;
  }
}
