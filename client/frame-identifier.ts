/**
 * Names the local frame that a mask was computed from.
 *
 * A mask carries its frame's RTP timestamp and, once known, capture time. RTP time / 90 minus the local frame's timestamp
 * is a constant within 1 ms in Chromium, after two seconds in which libwebrtc settles its clock by up to 7 ms; the browser
 * tells a page neither that constant nor which frame an encoder's output came from. Capture time tells it: libwebrtc stamps
 * a frame by when the browser delivered it, which is how `captureTimeMs` of local frames is told too (capture-clock.ts).
 * A frame that the page never saw is common on a busy machine, so a mask is never just given to the nearest frame.
 */
import { SerialUnwrapper, VIDEO_CLOCK_RATE_HZ } from '../shared/clock.ts';
import type { FrameRing, LocalFrame } from './frame-ring.ts';

const TICKS_PER_MS = VIDEO_CLOCK_RATE_HZ / 1000;
/** A frame further from its mask than this is another one, ms: more than the settling of the sender's clock. */
const TOLERANCE_MS = 10;
/** So is one further than this share of the interval it lies in: half would mean that the frame between is missing. */
const TOLERANCE_INTERVALS = 0.4;
/** Readings of capture time whose median is believed. */
const CAPTURE_TIME_READINGS = 15;
/** The constant strays this far from what capture time says, ms: less than an interval at 30 frames/s. */
const MAX_FOLLOWED_MS = 25;
/** After so many frames it is believed this far, ms: the server's clock strays more easily than the sender's. */
const PROVING_FRAMES = 30;
const MAX_PROVED_MS = 100;
/** So many masks without a frame disprove it. */
const DISPROVING_MISSES = 4;
/**
 * Where of so many such masks most miss by the same, no frame is missing: capture time is wrong for good, as where the
 * page sees frames only after a wait that is the same for all.
 */
const AGREEING_MISSES = 8;
const MOST_MISSES = 6;
/** By the same, give or take this, ms: RTP time is rounded to 1 ms. */
const AGREEMENT_MS = 1;
/** Share of a frame's residual by which it follows; the rounding of RTP time to 1 ms moves it little. */
const FOLLOW = 1 / 4;

/** What a mask says about its frame. */
export interface FrameReference {
  /** 90 kHz, 32 bits, wraps. */
  readonly rtpTimestamp: number;
  /** ms since the Unix epoch; undefined until the server knows it. */
  readonly captureTimeMs: number | undefined;
}

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
  /** RTP time minus local timestamp according to capture time, ms; the oldest leaves. */
  readonly #readingsMs: number[] = [];
  /** RTP time of the last reading, ms: one mask may ask more than once. */
  #lastReadMs: number | undefined;
  /** The constant as followed from frame to frame, ms. */
  #followedMs: number | undefined;

  /** Frames named since the constant was last disproved. */
  #proved = 0;
  /** For each mask since the last one named, the constants by which it would have met a frame beside it, ms. */
  #missedMs: number[][] = [];

  /** @param timeOriginMs `performance.timeOrigin`: what turns a frame's `captureTimeMs` into Unix time. */
  constructor(ring: FrameRing, timeOriginMs: number) {
    this.#ring = ring;
    this.#timeOriginMs = timeOriginMs;
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
      this.#readingsMs.push(rtpTimeMs - timestampMs);
      if (this.#readingsMs.length > CAPTURE_TIME_READINGS) this.#readingsMs.shift();
    }
    const offsetMs = this.#offset();
    if (offsetMs === undefined) return 'clock-unknown';
    const expectedMs = rtpTimeMs - offsetMs;
    // A busy page may see its own frame later than the server's answer to it.
    if (expectedMs > newest.timestampMs + TOLERANCE_MS) return 'frame-awaited';
    if (expectedMs < frames[0]!.timestampMs - TOLERANCE_MS) return 'frame-expired';
    const frame = this.#ring.nearest(expectedMs)!;
    const residualMs = expectedMs - frame.timestampMs;
    if (Math.abs(residualMs) > this.#tolerance(frame, residualMs)) {
      this.#miss(rtpTimeMs, offsetMs);
      return 'frame-missing';
    }
    this.#missedMs = [];
    this.#proved++;
    this.#followedMs = offsetMs + residualMs * FOLLOW;
    return frame;
  }

  /** Takes the constant on which masks without a frame agree; among equals the one nearest to `offsetMs`. */
  #miss(rtpTimeMs: number, offsetMs: number): void {
    const distanceMs = (constantMs: number) => Math.abs(constantMs - offsetMs);
    const constantsMs = this.#ring.frames.map(({ timestampMs }) => rtpTimeMs - timestampMs);
    this.#missedMs.push(constantsMs.filter((constantMs) => distanceMs(constantMs) <= MAX_FOLLOWED_MS));
    if (this.#missedMs.length >= DISPROVING_MISSES) this.#proved = 0;
    if (this.#missedMs.length < AGREEING_MISSES) return;
    const agreeing = (agreedMs: number) =>
      this.#missedMs.filter((mask) => mask.some((ms) => Math.abs(ms - agreedMs) <= AGREEMENT_MS)).length;
    const [agreed] = this.#missedMs
      .flat()
      .map((constantMs) => ({ constantMs, masks: agreeing(constantMs) }))
      .sort((a, b) => b.masks - a.masks || distanceMs(a.constantMs) - distanceMs(b.constantMs));
    if (agreed !== undefined && agreed.masks >= MOST_MISSES) this.#followedMs = agreed.constantMs;
    this.#missedMs.shift();
  }

  /** RTP time minus local timestamp, ms; undefined before capture time was known. */
  #offset(): number | undefined {
    const sorted = this.#readingsMs.toSorted((a, b) => a - b);
    const believedMs = sorted[sorted.length >> 1];
    if (believedMs === undefined || this.#followedMs === undefined) return believedMs;
    const limitMs = this.#proved >= PROVING_FRAMES ? MAX_PROVED_MS : MAX_FOLLOWED_MS;
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
