/**
 * Names the local frame that a mask was computed from.
 *
 * A mask carries its frame's RTP timestamp and, once known, capture time. In Chromium RTP time / 90 minus the local
 * frame's timestamp is a constant within 0.5 ms, but for the first two seconds in which libwebrtc settles its clock by
 * up to 7 ms; the browser tells a page neither that constant nor which frame an encoder's output came from. So capture
 * time says which frame is meant, within a few ms or, while the server's clock settles on a busy machine, some tens; and
 * the irregularity of the frames' own intervals proves it: with the right constant the RTP timestamps of all masks
 * fall evenly onto local frames, with a wrong one they scatter.
 */
import { SerialUnwrapper, VIDEO_CLOCK_RATE_HZ } from '../shared/clock.ts';
import type { FrameRing, LocalFrame } from './frame-ring.ts';

const TICKS_PER_MS = VIDEO_CLOCK_RATE_HZ / 1000;
/** A frame further from its mask than this is another one, ms: more than the settling of the sender's clock. */
const TOLERANCE_MS = 10;
/** So is one further than this share of the interval it lies in: half would mean that the frame between is missing. */
const TOLERANCE_INTERVALS = 0.4;
/** Masks held against a hypothesis; no more can fall into the ring's span. */
const MASKS_CAPACITY = 48;
/** Fewer that fall into the ring's span prove nothing. */
const MIN_MASKS = 8;
/** One change counts at most this much against a hypothesis, ms. */
const MISFIT_CEILING_MS = 4;
/** What a ms of distance from capture time counts against a hypothesis, ms: a frame interval must be outweighed by 0.3. */
const CAPTURE_TIME_WEIGHT = 0.01;
/** Readings of capture time whose median is believed. */
const CAPTURE_TIME_READINGS = 15;
/** A hypothesis is given up for one that costs at most this share of it. */
const CLEARLY_CHEAPER = 0.5;
/**
 * Share of a frame's residual by which the constant follows the sender's clock. Large, because on a busy machine
 * libwebrtc moves it by a frame interval within a second or two; the rounding to 1 ms does no harm.
 */
const FOLLOW = 1 / 2;
const MISSES_TO_FORGET = 10;

/** What a mask says about its frame. */
export interface FrameReference {
  /** 90 kHz, 32 bits, wraps. */
  readonly rtpTimestamp: number;
  /** ms since the Unix epoch; undefined until the server knows it. */
  readonly captureTimeMs: number | undefined;
}

/** Why no frame could be named. */
export type UnpairedReason =
  /** Neither capture time nor the constant is known yet. */
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
  /** RTP times of the latest masks, ms, unwrapped and in order; the oldest leaves. */
  readonly #maskTimesMs: number[] = [];
  /** RTP time minus local timestamp according to capture time, ms. */
  readonly #captureOffsetsMs: number[] = [];
  /** The constant: RTP time minus local timestamp, ms. */
  #offsetMs: number | undefined;
  #misses = 0;

  /** @param timeOriginMs `performance.timeOrigin`: what turns a frame's `captureTimeMs` into Unix time. */
  constructor(ring: FrameRing, timeOriginMs: number) {
    this.#ring = ring;
    this.#timeOriginMs = timeOriginMs;
  }

  /** @returns the frame; why there is none; or `frame-awaited` when it has yet to reach the ring: ask again then. */
  identify(reference: FrameReference): LocalFrame | UnpairedReason | 'frame-awaited' {
    const rtpTimeMs = this.#unwrapper.unwrap(reference.rtpTimestamp) / TICKS_PER_MS;
    const { frames } = this.#ring;
    const newest = frames.at(-1);
    if (newest === undefined) return 'frame-expired';
    const believedMs = this.#believe(rtpTimeMs, reference.captureTimeMs, newest) ?? this.#offsetMs;
    if (believedMs === undefined) return 'clock-unknown';
    const expectedMs = rtpTimeMs - (this.#offsetMs ?? believedMs);
    // A busy page may see its own frame later than the server's answer to it.
    if (expectedMs > newest.timestampMs + TOLERANCE_MS) return 'frame-awaited';
    if (expectedMs < frames[0]!.timestampMs - TOLERANCE_MS) return this.#miss('frame-expired');
    this.#note(rtpTimeMs);
    const offsetMs = this.#choose(rtpTimeMs, believedMs);
    const frame = this.#ring.nearest(rtpTimeMs - offsetMs)!;
    const residualMs = rtpTimeMs - frame.timestampMs - offsetMs;
    if (Math.abs(residualMs) > this.#tolerance(frame, residualMs)) return this.#miss('frame-missing');
    this.#misses = 0;
    this.#offsetMs = offsetMs + residualMs * FOLLOW;
    return frame;
  }

  #note(rtpTimeMs: number): void {
    let at = this.#maskTimesMs.length;
    while (at > 0 && this.#maskTimesMs[at - 1]! > rtpTimeMs) at--;
    if (this.#maskTimesMs[at - 1] === rtpTimeMs) return;
    this.#maskTimesMs.splice(at, 0, rtpTimeMs);
    if (this.#maskTimesMs.length > MASKS_CAPACITY) this.#maskTimesMs.shift();
  }

  /** The constant according to capture time; undefined before there was one. */
  #believe(rtpTimeMs: number, captureTimeMs: number | undefined, newest: LocalFrame): number | undefined {
    if (captureTimeMs !== undefined) {
      const timestampMs = captureTimeMs - this.#timeOriginMs - newest.captureTimeMs + newest.timestampMs;
      this.#captureOffsetsMs.push(rtpTimeMs - timestampMs);
      if (this.#captureOffsetsMs.length > CAPTURE_TIME_READINGS) this.#captureOffsetsMs.shift();
    }
    const sorted = this.#captureOffsetsMs.toSorted((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }

  /** The constant in use, unless another costs clearly less; at first the cheapest. */
  #choose(rtpTimeMs: number, believedMs: number): number {
    const cost = (offsetMs: number) => this.#misfit(offsetMs) + CAPTURE_TIME_WEIGHT * Math.abs(offsetMs - believedMs);
    let best = believedMs;
    let bestCost = Number.POSITIVE_INFINITY;
    for (const { timestampMs } of this.#ring.frames) {
      const offsetMs = rtpTimeMs - timestampMs;
      const offsetCost = cost(offsetMs);
      if (offsetCost < bestCost) {
        best = offsetMs;
        bestCost = offsetCost;
      }
    }
    return this.#offsetMs === undefined || bestCost < cost(this.#offsetMs) * CLEARLY_CHEAPER ? best : this.#offsetMs;
  }

  /**
   * How unevenly the masks lie beside the local frames nearest to it under a hypothesis: mean change of that
   * distance from one to the next, ms. A clock that settles moves them all alike and counts for nothing. 0 when too
   * little is known.
   */
  #misfit(offsetMs: number): number {
    const { frames } = this.#ring;
    const oldestMs = frames[0]!.timestampMs - TOLERANCE_MS;
    const newestMs = frames.at(-1)!.timestampMs + TOLERANCE_MS;
    let sum = 0;
    let count = 0;
    let before: number | undefined;
    for (const maskTimeMs of this.#maskTimesMs) {
      const timestampMs = maskTimeMs - offsetMs;
      if (timestampMs < oldestMs || timestampMs > newestMs) continue;
      const distanceMs = timestampMs - this.#ring.nearest(timestampMs)!.timestampMs;
      if (before !== undefined) {
        sum += Math.min(MISFIT_CEILING_MS, Math.abs(distanceMs - before));
        count++;
      }
      before = distanceMs;
    }
    return count < MIN_MASKS ? 0 : sum / count;
  }

  #tolerance(frame: LocalFrame, residualMs: number): number {
    const { frames } = this.#ring;
    const neighbour = frames[frames.indexOf(frame) + Math.sign(residualMs)];
    const intervalMs =
      neighbour === undefined ? Number.POSITIVE_INFINITY : Math.abs(neighbour.timestampMs - frame.timestampMs);
    return Math.min(TOLERANCE_MS, TOLERANCE_INTERVALS * intervalMs);
  }

  #miss(reason: UnpairedReason): UnpairedReason {
    if (++this.#misses >= MISSES_TO_FORGET) {
      this.#offsetMs = undefined;
      this.#maskTimesMs.length = 0;
      this.#captureOffsetsMs.length = 0;
      this.#misses = 0;
    }
    return reason;
  }
}
