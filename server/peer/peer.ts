/** Port: one WebRTC peer connection as the server needs it. Adapters: werift-peer.ts, and a fake for tests. */
import type { Candidate } from '../../shared/signalling.ts';
import type { EncodedChunk, SenderReport } from '../media/encoded-chunk.ts';

/**
 * RTCPeerConnection.connectionState (W3C WebRTC §4.4.1). `disconnected` after 5 s of silence, `failed` when consent
 * expires after 30 s (RFC 7675) or a handshake fails, `closed` by `close` or by the remote's DTLS close_notify.
 */
export type PeerState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';

/** Media that an offer asked for and the answer had to turn down. */
export interface RefusedMedia {
  readonly kind: 'audio' | 'video';
  /** Codec names as offered, for the message to the user. */
  readonly offeredCodecs: readonly string[];
}

export interface AnswerResult {
  readonly sdp: string;
  readonly refused: readonly RefusedMedia[];
  /** Kinds with an accepted section that sends to us. */
  readonly accepted: readonly ('audio' | 'video')[];
}

export interface TrackListener {
  /** One whole frame, in decoding order. After a loss the first chunk is a key frame. */
  chunk(chunk: EncodedChunk): void;
  senderReport(report: SenderReport): void;
  /** The track ended: removed by renegotiation or the peer closed. Called once. */
  ended(): void;
}

/** One received track. Chunks flow once a listener is attached; nothing is buffered before. */
export interface RemoteTrack {
  readonly kind: 'audio' | 'video';
  readonly mid: string;
  /** `VP8`, `H264`, `VP9`, `AV1` or `opus` as in rtpmap. May change after a renegotiation, with a new track. */
  readonly codec: string;
  /** Hz */
  readonly clockRate: number;
  readonly channels: number;
  listen(listener: TrackListener): void;
  /** Asks the sender for a key frame (PLI, RFC 4585 §6.3.1); limited in rate inside. */
  requestKeyFrame(): void;
  stats(): TrackStats;
}

export interface TrackStats {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly packetsRecovered: number;
  readonly payloadBytes: number;
  readonly nacksSent: number;
  readonly plisSent: number;
  /** Frames given up because a packet never came. */
  readonly framesDropped: number;
}

/** RTCDataChannel, opened by the remote side. */
export interface PeerChannel {
  readonly label: string;
  /** Bytes handed to `send` and not yet on the wire. */
  readonly bufferedAmount: number;
  readonly open: boolean;
  /** @returns false when the channel is not open; nothing is queued then. */
  send(data: string | Uint8Array): boolean;
}

export interface PeerListener {
  state(state: PeerState): void;
  /** A local candidate gathered after the answer was written, which has those before; null when gathering ended so late. */
  candidate(candidate: Candidate | null): void;
  track(track: RemoteTrack): void;
  channel(channel: PeerChannel): void;
}

export interface Peer {
  readonly state: PeerState;
  /** Round trip of the selected ICE pair or of RTCP, ms; undefined until measured. */
  readonly roundTripMs: number | undefined;
  /**
   * Applies an offer (the first, a renegotiation or an ICE restart) and returns the answer. Receive-only: we send no media.
   * @throws AvsacError `sdp-invalid`, `sdp-without-media` (neither audio nor video), `codec-unsupported` (media, but every section refused).
   */
  answer(offerSdp: string): Promise<AnswerResult>;
  /** @throws AvsacError `candidate-invalid` */
  addCandidate(candidate: Candidate | null): Promise<void>;
  /** Ends everything this peer started: sockets, timers, channels. Idempotent; never rejects. */
  close(reason: string): Promise<void>;
}

export interface PeerOptions {
  readonly iceServers: readonly { readonly urls: string; readonly username?: string; readonly credential?: string }[];
  /** Local UDP port range, inclusive; undefined: any. */
  readonly portRange: readonly [number, number] | undefined;
  /** Addresses announced as host candidates in place of the machine's own, e.g. behind 1:1 NAT. */
  readonly announcedAddresses: readonly string[];
  /** Video codecs accepted, in order of preference, as named in rtpmap. */
  readonly videoCodecs: readonly string[];
  /** Highest bitrate the remote is asked to send video at, bit/s. */
  readonly videoBitrateBps: number;
}

export type CreatePeer = (options: PeerOptions, listener: PeerListener) => Peer;
