/**
 * Names the local frame that a mask was computed from.
 *
 * A mask carries its frame's RTP timestamp and, once known, capture time. In Chromium RTP time / 90 minus the local
 * frame's timestamp is a constant within 0.5 ms, but for the first two seconds in which libwebrtc settles its clock by
 * up to 7 ms; neither that constant nor the encoder's timestamps are shown to a page. So capture time says which frame
 * it is within a few ms, which is enough at 30 frames/s, and the irregularity of the frames' own intervals proves it:
 * with the right constant every mask falls onto a frame, with a wrong one they fall beside.
 */
import { SerialUnwrapper, VIDEO_CLOCK_RATE_HZ } from '../shared/clock.ts';
import type { FrameRing, LocalFrame } from './frame-ring.ts';

const TICKS_PER_MS = VIDEO_CLOCK_RATE_HZ / 1000;
/** A frame further from its mask than this is another one, ms; libwebrtc's clock settles by up to 7 ms. */
const TOLERANCE_MS = 10;
/** So is one further than this share of the interval it lies in: half would mean that the frame between is missing. */
const TOLERANCE_INTERVALS = 0.4;
/** A mask counts at most this much against a hypothesis, ms. */
const MISFIT_CEILING_MS = 4;
/** How far capture time may be off: a hypothesis outside is not considered. */
const SEARCH_MS = 120;
const EVIDENCE_MASKS = 24;
/** Masks wanted before the intervals may overrule capture time. */
const EVIDENCE_MASKS_TO_OVERRULE = 8;
/** The other hypothesis must leave at most this share of the misfit. */
const CLEARLY_BETTER = 0.5;
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

interface Evidence {
  /** RTP time minus timestamp of every frame that may be meant, ms. */
  readonly offsetsMs: readonly number[];
}

/** One track's life; a new track or connection needs a new identifier. */
export class FrameIdentifier {
  readonly #ring: FrameRing;
  readonly #timeOriginMs: number;
  readonly #unwrapper = new SerialUnwrapper(32);
  readonly #evidence: Evidence[] = [];
  #offsetMs: number | undefined;
  #misses = 0;

  /** @param timeOriginMs `performance.timeOrigin`: what turns a frame's `captureTimeMs` into Unix time. */
  constructor(ring: FrameRing, timeOriginMs: number) {
    this.#ring = ring;
    this.#timeOriginMs = timeOriginMs;
  }

  /** RTP time minus local timestamp as learnt, ms; undefined before the first pair. */
  get offsetMs(): number | undefined {
    return this.#offsetMs;
  }

  /** @returns the frame; why there is none; or `frame-awaited` when it has yet to reach the ring: ask again then. */
  identify(reference: FrameReference): LocalFrame | UnpairedReason | 'frame-awaited' {
    const rtpTimeMs = this.#unwrapper.unwrap(reference.rtpTimestamp) / TICKS_PER_MS;
    const expectedMs = this.#offsetMs === undefined ? this.#expect(reference) : rtpTimeMs - this.#offsetMs;
    if (expectedMs === undefined) return 'clock-unknown';
    const oldest = this.#ring.frames[0];
    if (oldest === undefined || expectedMs < oldest.timestampMs - TOLERANCE_MS) return this.#miss('frame-expired');
    // A busy page may see its own frame later than the server's answer to it.
    if (expectedMs > this.#ring.frames.at(-1)!.timestampMs + TOLERANCE_MS) return 'frame-awaited';
    this.#collect(rtpTimeMs, expectedMs);
    const offsetMs = this.#bestOffset(rtpTimeMs - expectedMs);
    const frame = this.#ring.nearest(rtpTimeMs - offsetMs)!;
    const residualMs = rtpTimeMs - frame.timestampMs - offsetMs;
    if (Math.abs(residualMs) > this.#tolerance(frame, residualMs)) return this.#miss('frame-missing');
    this.#misses = 0;
    // Follows the sender's clock while it settles; a single frame's rounding to 1 ms moves it little.
    this.#offsetMs = offsetMs + residualMs / 8;
    return frame;
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
      this.#evidence.length = 0;
      this.#misses = 0;
    }
    return reason;
  }

  /** Timestamp of the frame whose capture time is nearest. */
  #expect({ captureTimeMs }: FrameReference): number | undefined {
    if (captureTimeMs === undefined) return undefined;
    const newest = this.#ring.frames.at(-1);
    return newest && captureTimeMs - this.#timeOriginMs - newest.captureTimeMs + newest.timestampMs;
  }

  #collect(rtpTimeMs: number, expectedMs: number): void {
    const offsetsMs = this.#ring.frames
      .filter((frame) => Math.abs(frame.timestampMs - expectedMs) <= SEARCH_MS)
      .map((frame) => rtpTimeMs - frame.timestampMs);
    this.#evidence.push({ offsetsMs });
    if (this.#evidence.length > EVIDENCE_MASKS) this.#evidence.shift();
  }

  /** @param aroundMs the constant believed in so far. */
  #bestOffset(aroundMs: number): number {
    const candidates = this.#evidence.at(-1)!.offsetsMs;
    if (candidates.length === 0) return aroundMs;
    const ranked = candidates.map((offsetMs) => ({ offsetMs, misfitMs: this.#misfit(offsetMs) }));
    if (this.#offsetMs !== undefined) ranked.push({ offsetMs: aroundMs, misfitMs: this.#misfit(aroundMs) });
    const believed = ranked.reduce((a, b) =>
      Math.abs(b.offsetMs - aroundMs) < Math.abs(a.offsetMs - aroundMs) ? b : a,
    );
    if (this.#evidence.length < EVIDENCE_MASKS_TO_OVERRULE) return believed.offsetMs;
    const best = ranked.reduce((a, b) => (b.misfitMs < a.misfitMs ? b : a));
    return best.misfitMs < believed.misfitMs * CLEARLY_BETTER && believed.misfitMs > 1
      ? best.offsetMs
      : believed.offsetMs;
  }

  /** Mean distance of the masks from their nearest frame under a hypothesis, each at most {@link MISFIT_CEILING_MS}. */
  #misfit(offsetMs: number): number {
    let sum = 0;
    for (const { offsetsMs } of this.#evidence) {
      let least = MISFIT_CEILING_MS;
      for (const other of offsetsMs) least = Math.min(least, Math.abs(other - offsetMs));
      sum += least;
    }
    return sum / this.#evidence.length;
  }
}
