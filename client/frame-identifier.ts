/**
 * Names the local frame that a mask was computed from.
 *
 * A mask carries its frame's RTP timestamp and, once known, capture time. RTP time / 90 minus the local frame's timestamp
 * is a constant within 1 ms in Chromium, after two seconds in which libwebrtc settles its clock by 7 ms, or by 15 on a busy
 * machine; the browser tells a page neither that constant nor which frame an encoder's output came from. Time tells it: the
 * frame that arrived when the encoder began. Where a page cannot see encoded frames, capture time has to do, which
 * libwebrtc's clock puts 11 ms and more too early for good when the first frames came late (TimestampAligner).
 * A frame that the page never saw is common on a busy machine, so a mask is never just given to the nearest frame.
 */
import { SerialUnwrapper, VIDEO_CLOCK_RATE_HZ } from '../shared/clock.ts';
import type { FrameRing, LocalFrame } from './frame-ring.ts';

const TICKS_PER_MS = VIDEO_CLOCK_RATE_HZ / 1000;
/** A frame further from its mask than this is another one, ms: more than the settling of the sender's clock. */
const TOLERANCE_MS = 10;
/** So is one further than this share of the interval it lies in: half would mean that the frame between is missing. */
const TOLERANCE_INTERVALS = 0.4;
/** Readings of the constant whose median is believed. */
const READINGS = 15;
/** Further from the encoder's beginning than this arrived another frame, ms. */
const ENCODING_TOLERANCE_MS = 20;
/** Encoded frames that wait for the local one after theirs: 1 s at 30 frames/s. */
const ENCODED_CAPACITY = 30;
/** The constant follows the sender's clock this far from what the readings say, ms. */
const MAX_FOLLOWED_MS = 12;
/** After so many frames it is believed this far from capture time, ms: the server's clock strays more easily than the sender's. */
const PROVING_FRAMES = 30;
const MAX_PROVED_MS = 100;
/** So many masks without a frame disprove it. */
const DISPROVING_MISSES = 4;
/** Share of a frame's residual by which it follows; the rounding of RTP time to 1 ms moves it little. */
const FOLLOW = 1 / 4;

/** What a mask says about its frame. */
export interface FrameReference {
  /** 90 kHz, 32 bits, wraps. */
  readonly rtpTimestamp: number;
  /** ms since the Unix epoch; undefined until the server knows it. */
  readonly captureTimeMs: number | undefined;
}

/** What tells which local frame an RTP timestamp belongs to. */
export type FrameClock = 'encoder' | 'capture-time';

/** Why no frame could be named. */
export type UnpairedReason =
  /** No capture time is known yet. */
  | 'clock-unknown'
  /** The frame is older than all held. */
  | 'frame-expired'
  /** It lies between the frames held: the browser never showed it to the page. */
  | 'frame-missing';

/** One track's life; a new track or connection needs a new identifier. */
export class FrameIdentifier {
  readonly #ring: FrameRing;
  readonly #timeOriginMs: number;
  readonly #unwrapper = new SerialUnwrapper(32);
  /** RTP time minus local timestamp, ms, according to when the encoder began. */
  readonly #fromEncoder = new RunningMedian();
  /** The same according to capture time. */
  readonly #fromCaptureTime = new RunningMedian();
  /** Frames that the encoder has given, the oldest first, whose local frame may not have reached the ring. */
  readonly #encoded: { readonly rtpTimeMs: number; readonly encodingMs: number }[] = [];
  /** RTP time of the last reading, ms: one mask may ask more than once. */
  #lastReadMs: number | undefined;
  /** The constant as followed from frame to frame, ms. */
  #followedMs: number | undefined;

  /** Frames named since the constant was last disproved. */
  #proved = 0;
  #misses = 0;

  /** @param timeOriginMs `performance.timeOrigin`: what turns a frame's `captureTimeMs` into Unix time. */
  constructor(ring: FrameRing, timeOriginMs: number) {
    this.#ring = ring;
    this.#timeOriginMs = timeOriginMs;
  }

  /** @param encodingMs `performance.now()` when the encoder began with the frame. To be called in the order of frames. */
  frameEncoded(rtpTimestamp: number, encodingMs: number): void {
    this.#encoded.push({ rtpTimeMs: this.#unwrapper.unwrap(rtpTimestamp) / TICKS_PER_MS, encodingMs });
    if (this.#encoded.length > ENCODED_CAPACITY) this.#encoded.shift();
  }

  /** Undefined before anything told it. */
  get clock(): FrameClock | undefined {
    if (this.#fromEncoder.isFull) return 'encoder';
    return this.#fromCaptureTime.value === undefined ? undefined : 'capture-time';
  }

  /** @returns the frame; why there is none; or `frame-awaited` when it has yet to reach the ring: ask again then. */
  identify({ rtpTimestamp, captureTimeMs }: FrameReference): LocalFrame | UnpairedReason | 'frame-awaited' {
    const rtpTimeMs = this.#unwrapper.unwrap(rtpTimestamp) / TICKS_PER_MS;
    const { frames } = this.#ring;
    const newest = frames.at(-1);
    if (newest === undefined) return 'frame-expired';
    if (captureTimeMs !== undefined && rtpTimeMs !== this.#lastReadMs) {
      this.#lastReadMs = rtpTimeMs;
      const timestampMs = captureTimeMs - this.#timeOriginMs - newest.captureTimeMs + newest.timestampMs;
      this.#fromCaptureTime.add(rtpTimeMs - timestampMs);
    }
    this.#readEncoded(newest.arrivalMs);
    const offsetMs = this.#offset();
    if (offsetMs === undefined) return 'clock-unknown';
    const expectedMs = rtpTimeMs - offsetMs;
    // A busy page may see its own frame later than the server's answer to it.
    if (expectedMs > newest.timestampMs + TOLERANCE_MS) return 'frame-awaited';
    if (expectedMs < frames[0]!.timestampMs - TOLERANCE_MS) return 'frame-expired';
    const frame = this.#ring.nearest(expectedMs)!;
    const residualMs = expectedMs - frame.timestampMs;
    if (Math.abs(residualMs) > this.#tolerance(frame, residualMs)) {
      if (++this.#misses >= DISPROVING_MISSES) this.#proved = 0;
      return 'frame-missing';
    }
    this.#misses = 0;
    this.#proved++;
    this.#followedMs = offsetMs + residualMs * FOLLOW;
    return frame;
  }

  /** Reads what was encoded before `untilMs`: the frame nearest to that may be one that has yet to come. */
  #readEncoded(untilMs: number): void {
    const { frames } = this.#ring;
    while (this.#encoded[0] !== undefined && this.#encoded[0].encodingMs <= untilMs) {
      const { rtpTimeMs, encodingMs } = this.#encoded.shift()!;
      const distanceMs = ({ arrivalMs }: LocalFrame) => Math.abs(arrivalMs - encodingMs);
      const frame = frames.reduce((nearest, other) => (distanceMs(other) < distanceMs(nearest) ? other : nearest));
      if (distanceMs(frame) <= ENCODING_TOLERANCE_MS) this.#fromEncoder.add(rtpTimeMs - frame.timestampMs);
    }
  }

  /** RTP time minus local timestamp, ms; undefined before anything told it. */
  #offset(): number | undefined {
    // The first frames may wait long for the encoder to be made.
    const encodedMs = this.#fromEncoder.isFull ? this.#fromEncoder.value : undefined;
    const believedMs = encodedMs ?? this.#fromCaptureTime.value;
    if (believedMs === undefined || this.#followedMs === undefined) return believedMs;
    const proved = encodedMs === undefined && this.#proved >= PROVING_FRAMES;
    const limitMs = proved ? MAX_PROVED_MS : MAX_FOLLOWED_MS;
    return Math.abs(this.#followedMs - believedMs) <= limitMs ? this.#followedMs : believedMs;
  }

  #tolerance(frame: LocalFrame, residualMs: number): number {
    const { frames } = this.#ring;
    const neighbour = frames[frames.indexOf(frame) + Math.sign(residualMs)];
    const intervalMs =
      neighbour === undefined ? Number.POSITIVE_INFINITY : Math.abs(neighbour.timestampMs - frame.timestampMs);
    return Math.min(TOLERANCE_MS, TOLERANCE_INTERVALS * intervalMs);
  }
}

/** The median of the last {@link READINGS}. */
class RunningMedian {
  readonly #readings: number[] = [];

  add(reading: number): void {
    this.#readings.push(reading);
    if (this.#readings.length > READINGS) this.#readings.shift();
  }

  get isFull(): boolean {
    return this.#readings.length === READINGS;
  }

  /** The upper one of two; undefined before the first reading. */
  get value(): number | undefined {
    return this.#readings.toSorted((a, b) => a - b)[this.#readings.length >> 1];
  }
}
