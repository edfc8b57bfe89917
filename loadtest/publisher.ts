/** One publisher: replays a media loop over WebRTC and notes the masks that come back. An importer of werift. */
import { RTCPeerConnection, useOPUS, useSdesMid, useTransportWideCC, useVP8 } from 'werift';
import { SentTrack } from '../publisher/sent-track.ts';
import { decodeMask } from '../shared/mask-codec.ts';
import { type Candidate, MASK_CHANNEL_LABEL, MASK_CHANNEL_OPTIONS, type ServerMessage } from '../shared/signalling.ts';
import { FaultyRoute } from './faulty-route.ts';
import type { MaskSample, PublisherCounts } from './mask-sample.ts';
import type { MediaLoop } from './media-loop.ts';
import type { NetworkFaults } from './network-faults.ts';
import { Replay } from './replay.ts';
import { Signalling } from './signalling.ts';
import type { Truth } from './truth.ts';

export interface PublisherOptions {
  /** Of the signalling WebSocket. */
  readonly url: string;
  readonly token: string | undefined;
  readonly loop: MediaLoop;
  readonly truth: Truth;
  /** Where in the loop to begin, 0..1. */
  readonly phase: number;
  /** Media goes through relays that can be told to lose it. */
  readonly relayed: boolean;
}

export interface PublisherListener {
  /** The mask channel is open and media flows. @param joinMs from the first packet to the server until then. */
  joined(joinMs: number): void;
  mask(sample: MaskSample): void;
  /** Called once, unless `close` came first. @param code of the error table, where there is one. */
  ended(code: string): void;
}

/** The publisher's clock: monotonic, ms since the Unix epoch. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/**
 * Of the channel just created: werift 0.25.2 announces each channel that limits its retransmissions as an ordered one, in which a
 * lost mask holds up those after it (RFC 8832 §5.1, channel type).
 */
function announceUnordered(connection: RTCPeerConnection): void {
  const { dataChannelQueue } = connection.sctpTransport as unknown as {
    readonly dataChannelQueue: readonly (readonly [unknown, unknown, Uint8Array])[];
  };
  const [, , open] = dataChannelQueue.at(-1)!;
  open[1]! |= 0x80;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #listener: PublisherListener;
  readonly #signalling: Signalling;
  readonly #beganMs = nowMs();
  readonly #route: FaultyRoute | undefined;
  readonly #connection = new RTCPeerConnection({
    codecs: {
      video: [
        useVP8({ rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'transport-cc' }] }),
      ],
      audio: [useOPUS({ rtcpFeedback: [{ type: 'transport-cc' }] })],
    },
    headerExtensions: {
      video: [useSdesMid(), useTransportWideCC()],
      audio: [useSdesMid(), useTransportWideCC()],
    },
    iceServers: [],
  });
  #replay: Replay | undefined;
  #tracks: readonly SentTrack[] = [];
  #closed = false;

  constructor(options: PublisherOptions, listener: PublisherListener) {
    this.#options = options;
    this.#listener = listener;
    if (options.relayed) this.#route = new FaultyRoute(nowMs);
    this.#signalling = new Signalling(options.url, options.token, {
      message: (message) => this.#receive(message),
      closed: (code) => this.#end(code),
    });
  }

  /** Sends what is due. */
  advance(timeMs: number): void {
    this.#replay?.advance(timeMs);
  }

  /** From now on; for one that is relayed. */
  impair(faults: NetworkFaults): void {
    if (this.#route !== undefined) this.#route.faults = faults;
  }

  get counts(): PublisherCounts {
    const sum = (key: 'packetsSent' | 'bytesSent' | 'nacksReceived' | 'plisReceived' | 'packetsLost') =>
      this.#tracks.reduce((total, track) => total + track[key], 0);
    return {
      packetsSent: sum('packetsSent'),
      bytesSent: sum('bytesSent'),
      nacksReceived: sum('nacksReceived'),
      plisReceived: sum('plisReceived'),
      packetsLost: sum('packetsLost'),
      framesSkipped: this.#replay?.framesSkipped ?? 0,
      latestMs: this.#replay?.latestMs ?? 0,
    };
  }

  /** Says goodbye. Idempotent. */
  async close(): Promise<void> {
    this.#signalling.send({ type: 'bye' });
    await this.#release();
  }

  #receive(message: ServerMessage): void {
    const fail = (error: unknown) => this.#end(error instanceof Error ? error.message : String(error));
    switch (message.type) {
      case 'welcome':
        this.#offer().catch(fail);
        return;
      case 'answer':
        this.#accept(message.sdp).catch(fail);
        return;
      case 'candidate':
        if (message.candidate !== null) this.#addCandidate(message.candidate).catch(fail);
        return;
    }
  }

  async #offer(): Promise<void> {
    const track = (kind: 'video' | 'audio', timeMs: (replay: Replay, rtpTimestamp: number) => number) =>
      new SentTrack(this.#connection.addTransceiver(kind, { direction: 'sendonly' }).sender, (rtpTimestamp) =>
        this.#replay === undefined ? 0 : timeMs(this.#replay, rtpTimestamp),
      );
    const video = track('video', (replay, rtpTimestamp) => replay.videoTimeMs(rtpTimestamp));
    const audio = track('audio', (replay, rtpTimestamp) => replay.audioTimeMs(rtpTimestamp));
    this.#tracks = [video, audio];
    const channel = this.#connection.createDataChannel(MASK_CHANNEL_LABEL, MASK_CHANNEL_OPTIONS);
    announceUnordered(this.#connection);
    channel.onMessage.subscribe((data) => this.#take(data as Buffer));
    channel.onopen = () => this.#start(video, audio);
    // A server that knew our addresses would find a way past the relays.
    const hidden = this.#route !== undefined;
    this.#connection.onIceCandidate.subscribe((candidate) => {
      if (hidden && candidate !== undefined) return;
      const value = candidate?.toJSON() as Candidate | undefined;
      this.#signalling.send({ type: 'candidate', candidate: value ?? null });
    });
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    const { sdp } = this.#connection.localDescription!;
    this.#signalling.send({ type: 'offer', sdp: this.#route?.split(sdp).sdp ?? sdp });
  }

  async #accept(answer: string): Promise<void> {
    const { sdp, candidates } = this.#route?.split(answer) ?? { sdp: answer, candidates: [] };
    await this.#connection.setRemoteDescription({ type: 'answer', sdp });
    for (const candidate of candidates) await this.#addCandidate(candidate);
  }

  async #addCandidate(candidate: Candidate): Promise<void> {
    const reached = this.#route === undefined ? candidate : await this.#route.through(candidate);
    if (reached !== undefined && !this.#closed) await this.#connection.addIceCandidate(reached);
  }

  #start(video: SentTrack, audio: SentTrack): void {
    if (this.#closed) return;
    const { loop, phase } = this.#options;
    const startMs = nowMs();
    this.#replay = new Replay(loop, phase, startMs, {
      video: (payloads, rtpTimestamp) => void video.send(payloads, rtpTimestamp),
      audio: (payload, rtpTimestamp) => void audio.send([payload], rtpTimestamp),
    });
    this.#listener.joined(startMs - this.#beganMs);
  }

  #take(data: Buffer): void {
    const arrivalMs = nowMs();
    const { loop, truth } = this.#options;
    const message = decodeMask(data);
    const frame = this.#replay?.frameOf(message.rtpTimestamp);
    this.#listener.mask({
      captureMs: frame?.captureMs,
      arrivalMs,
      loopMs: frame === undefined ? 0 : (frame.index * 1000) / loop.profile.frameRateHz,
      iou: frame === undefined ? undefined : truth.iou(frame.index, message),
      gated: message.gated,
      stagesMs: message.stagesMs,
    });
  }

  #end(code: string): void {
    if (this.#closed) return;
    void this.#release();
    this.#listener.ended(code);
  }

  async #release(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#replay = undefined;
    await this.#connection.close();
    this.#route?.close();
  }
}
