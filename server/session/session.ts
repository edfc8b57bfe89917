/** One client's life in a media worker: its peer, its tracks, its pipeline and its channels. Who closes whom: docs/closures.md. */
import { AvsacError, asAvsacError, type ErrorCode } from '../../shared/errors.ts';
import {
  type ClientMessage,
  CONTROL_CHANNEL_LABEL,
  MASK_CHANNEL_LABEL,
  NOTICES,
  type NoticeCode,
  type ServerMessage,
} from '../../shared/signalling.ts';
import type { Segmenter } from '../inference/segmenter.ts';
import type { DecoderFactory } from '../media/decoder.ts';
import { resultLine } from '../output/result-line.ts';
import type { AnswerResult, CreatePeer, Peer, PeerChannel, PeerOptions, PeerState, RemoteTrack } from '../peer/peer.ts';
import type { EncodedMask } from '../pipeline/flow.ts';
import type { MeanTurnaround } from '../pipeline/mean-turnaround.ts';
import { MaskPipeline } from '../pipeline/pipeline.ts';
import { type Telemetry, teeTelemetry } from '../telemetry/telemetry.ts';
import { SessionFigures } from './session-figures.ts';

/** How a client and its session talk. */
export type Signalling = 'websocket' | 'whip';

export interface SessionOptions {
  /** A WHIP client is told of nothing but a whole answer, and need not open channels (RFC 9725 §4.4). */
  readonly signalling: Signalling;
  /** Masks a second aimed at, 2..30. */
  readonly maskRateHz: number;
  readonly peer: Omit<PeerOptions, 'videoCodecs'>;
}

/** What a session is made of; one set for each media worker. */
export interface SessionParts {
  readonly createPeer: CreatePeer;
  readonly decoders: DecoderFactory;
  readonly segmenter: Segmenter;
  readonly turnarounds: MeanTurnaround;
  readonly telemetry: Telemetry;
}

export interface SessionListener {
  send(message: ServerMessage): void;
  /** One mask as a line of JSON, while the session is watched. */
  result(line: string): void;
  /** An error that is not the client's doing, for the log; the client learns its code only. */
  failure(error: unknown): void;
  /** Called once, when everything the session owned is closed. */
  ended(reason: string, error: ErrorCode | undefined): void;
}

/** Time from joining to the first offer. */
const OFFER_WITHIN_MS = 30_000;
/** Time from an answer, or from a lost connection, to a working one; ICE restarts happen within it. */
const CONNECT_WITHIN_MS = 20_000;
/** Offers that wait for the one being answered. */
const MAX_WAITING_OFFERS = 4;
const TICK_MS = 1000;
/** Seconds without a packet before the client is told. */
const STALLED_AFTER_TICKS = 2;
/** Seconds that the mask channel may take to open: it comes a few round trips after the connection. */
const MASK_CHANNEL_WITHIN_TICKS = 2;

export class Session {
  readonly #sessionId: string;
  readonly #signalling: Signalling;
  readonly #parts: SessionParts;
  readonly #listener: SessionListener;
  readonly #peer: Peer;
  readonly #pipeline: MaskPipeline;
  readonly #figures = new SessionFigures();
  readonly #telemetry: Telemetry;
  readonly #tracks = new Map<RemoteTrack['kind'], RemoteTrack>();
  readonly #stalledTicks = { audio: 0, video: 0 };
  readonly #told = new Set<NoticeCode>();
  readonly #tick: NodeJS.Timeout;
  #incompleteFrames = 0;
  #maskChannel: PeerChannel | undefined;
  #maskChannelTicks = 0;
  #controlChannel: PeerChannel | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #offers: Promise<void> = Promise.resolve();
  #waitingOffers = 0;
  #closing: Promise<void> | undefined;
  #watched = false;

  constructor(sessionId: string, options: SessionOptions, parts: SessionParts, listener: SessionListener) {
    this.#sessionId = sessionId;
    this.#signalling = options.signalling;
    this.#parts = parts;
    this.#listener = listener;
    this.#telemetry = teeTelemetry(parts.telemetry, this.#figures);
    this.#peer = parts.createPeer(
      { ...options.peer, videoCodecs: parts.decoders.videoCodecs },
      {
        state: (state) => this.#onPeerState(state),
        candidate: (candidate) => this.#send({ type: 'candidate', candidate }),
        track: (track) => this.#onTrack(track),
        channel: (channel) => this.#onChannel(channel),
      },
    );
    this.#pipeline = new MaskPipeline({
      sessionId,
      maskRateHz: options.maskRateHz,
      decoders: parts.decoders,
      segmenter: parts.segmenter,
      turnarounds: parts.turnarounds,
      channel: () => this.#maskChannel,
      followed: () => this.#watched,
      publish: (mask) => this.#publish(mask),
      telemetry: this.#telemetry,
      failed: (error) => {
        this.#listener.failure(error);
        void this.close('pipeline-failed', asAvsacError(error).code);
      },
    });
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
    this.#expect(OFFER_WITHIN_MS, 'offer-missing');
  }

  receive(message: ClientMessage): void {
    switch (message.type) {
      case 'offer':
        this.#receiveOffer(message.sdp);
        return;
      case 'candidate':
        this.#peer.addCandidate(message.candidate).catch((error) => this.#sendError(error));
        return;
      case 'bye':
        void this.close('client-left');
        return;
    }
  }

  /** Whether anybody follows the results. */
  watch(watched: boolean): void {
    this.#watched = watched;
  }

  /** Ends the session: pipeline, peer, timers. Idempotent; never rejects. */
  close(reason: string, error?: ErrorCode): Promise<void> {
    // Set before anything is closed: the peer may report its own end meanwhile.
    this.#closing ??= Promise.resolve().then(() => this.#close(reason, error));
    return this.#closing;
  }

  async #close(reason: string, error: ErrorCode | undefined): Promise<void> {
    clearInterval(this.#tick);
    clearTimeout(this.#deadline);
    this.#pipeline.close();
    this.#parts.segmenter.leave(this.#sessionId);
    await this.#peer.close(reason);
    this.#listener.ended(reason, error);
  }

  #receiveOffer(sdp: string): void {
    if (this.#waitingOffers >= MAX_WAITING_OFFERS) {
      this.#sendError(new AvsacError('message-invalid', 'offers come faster than they are answered'));
      return;
    }
    this.#waitingOffers++;
    this.#offers = this.#offers.then(async () => {
      try {
        if (this.#closing) return;
        const answer = await this.#peer.answer(sdp);
        if (this.#signalling === 'whip') refuseInPart(answer);
        this.#send({ type: 'answer', sdp: answer.sdp });
        this.#noticeMissing(answer);
        if (this.#peer.state !== 'connected') this.#expect(CONNECT_WITHIN_MS, 'peer-timeout');
      } catch (error) {
        this.#sendError(error);
      } finally {
        this.#waitingOffers--;
      }
    });
  }

  #noticeMissing({ accepted, refused }: AnswerResult): void {
    for (const kind of ['audio', 'video'] as const) {
      const turnedDown = refused.find((media) => media.kind === kind);
      if (accepted.includes(kind)) {
        this.#told.delete(`${kind}-missing`);
        this.#told.delete(`${kind}-codec-unsupported`);
        continue;
      }
      // What an offer takes away is missing from now on, and not stalled.
      this.#tracks.delete(kind);
      if (turnedDown) {
        this.#notice(`${kind}-codec-unsupported`, `offered: ${turnedDown.offeredCodecs.join(', ')}`);
      } else {
        this.#notice(`${kind}-missing`);
      }
    }
  }

  #onPeerState(state: PeerState): void {
    if (this.#closing) return;
    if (state === 'connected') {
      clearTimeout(this.#deadline);
    } else if (state === 'disconnected' || state === 'failed') {
      this.#expect(CONNECT_WITHIN_MS, 'peer-failed');
    } else if (state === 'closed') {
      void this.close('peer-closed');
    }
  }

  #onTrack(track: RemoteTrack): void {
    this.#tracks.set(track.kind, track);
    this.#stalledTicks[track.kind] = 0;
    this.#pipeline.addTrack(track);
  }

  #onChannel(channel: PeerChannel): void {
    if (channel.label === MASK_CHANNEL_LABEL) this.#maskChannel = channel;
    if (channel.label === CONTROL_CHANNEL_LABEL) this.#controlChannel = channel;
  }

  #onTick(): void {
    const video = this.#tracks.get('video')?.stats();
    this.#countIncomplete(video?.framesDropped ?? 0);
    this.#figures.tick(video, this.#tracks.get('audio')?.stats());
    if (this.#peer.state !== 'connected') return;
    for (const [kind, track] of this.#tracks) {
      const flowing = this.#figures.bitrate(kind) > 0;
      this.#stalledTicks[kind] = flowing ? 0 : this.#stalledTicks[kind] + 1;
      if (flowing) this.#told.delete(`${kind}-stalled`);
      if (this.#stalledTicks[kind] >= STALLED_AFTER_TICKS) this.#notice(`${kind}-stalled`);
      if (kind === 'video' && !flowing) track.requestKeyFrame();
    }
    if (
      this.#signalling === 'websocket' &&
      !this.#maskChannel &&
      this.#tracks.has('video') &&
      ++this.#maskChannelTicks > MASK_CHANNEL_WITHIN_TICKS
    ) {
      this.#notice('mask-channel-missing');
    }
    this.#controlChannel?.send(
      JSON.stringify(
        this.#figures.stats({
          videoCodec: this.#tracks.get('video')?.codec,
          executionProvider: this.#parts.segmenter.executionProvider,
          ...this.#pipeline.state(),
        }),
      ),
    );
  }

  /** @returns false when nobody follows. */
  #publish(mask: EncodedMask): boolean {
    if (this.#watched) this.#listener.result(resultLine(mask, this.#parts.segmenter.manifest.classes));
    return this.#watched;
  }

  /** @param total of the video track so far; a replaced track counts from zero again. */
  #countIncomplete(total: number): void {
    const added = total >= this.#incompleteFrames ? total - this.#incompleteFrames : total;
    this.#incompleteFrames = total;
    if (added > 0) this.#telemetry.drop('frame-incomplete', added);
  }

  /** The session ends with `error` unless the awaited step clears the deadline first. */
  #expect(withinMs: number, error: ErrorCode): void {
    clearTimeout(this.#deadline);
    if (this.#closing) return;
    this.#deadline = setTimeout(() => void this.close(error, error), withinMs);
  }

  #notice(code: NoticeCode, detail?: string): void {
    if (this.#told.has(code)) return;
    this.#told.add(code);
    this.#send({ type: 'notice', code, message: detail ? `${NOTICES[code]} (${detail})` : NOTICES[code] });
  }

  #send(message: ServerMessage): void {
    if (!this.#closing) this.#listener.send(message);
  }

  #sendError(error: unknown): void {
    const { code, publicMessage: message } = asAvsacError(error);
    if (code === 'internal' && !this.#closing) this.#listener.failure(error);
    this.#send({ type: 'error', code, message });
  }
}

/** RFC 9725 §4.4.3: all of an offer or nothing. @throws AvsacError `media-refused` */
function refuseInPart({ refused }: AnswerResult): void {
  if (refused.length === 0) return;
  const offered = refused.map(({ kind, offeredCodecs }) => `${kind} as ${offeredCodecs.join(', ')}`);
  throw new AvsacError('media-refused', offered.join('; '));
}
