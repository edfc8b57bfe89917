/**
 * Decides which local frame is on view and under which mask.
 *
 * The picture runs behind the camera by just as much as masks take to come back, so that each mask is there when its
 * frame is shown, and is held until the next. A mask that takes longer than that lengthens the delay: the picture
 * steps back to the mask's frame, never the mask onto another frame. The delay shrinks again slowly, unseen.
 */
import { FrameRing, type LocalFrame } from './frame-ring.ts';
import { SampleWindow } from './sample-window.ts';

export interface PlayoutOptions {
  /** Added to the slowest mask of late, ms: one frame at 30 frames/s. */
  readonly marginMs: number;
  /** The delay never exceeds this, ms; below the ring's span. */
  readonly maxDelayMs: number;
  /** How fast the delay may shrink, ms a ms: the share by which the picture runs faster. */
  readonly shrinkRate: number;
  /** A mask is held at most this long past its frame, ms: an old mask over a new picture is a lie. */
  readonly holdMs: number;
  /** Masks waiting for their frame's turn; when full the oldest leaves. */
  readonly pendingCapacity: number;
}

export const PLAYOUT_DEFAULTS = {
  marginMs: 34,
  maxDelayMs: 1100,
  shrinkRate: 0.04,
  holdMs: 1500,
  pendingCapacity: 16,
} as const satisfies PlayoutOptions;

/** How long a slow mask keeps the delay up, ms. */
const LATENESS_MEMORY_MS = 5000;

/** What is to be seen now. `mask` belongs to `maskFrame`, which is `frame` itself when the mask is first shown. */
export interface PlayoutView<Mask> {
  readonly frame: LocalFrame;
  readonly mask: Mask | undefined;
  readonly maskFrame: LocalFrame | undefined;
  /** True exactly once for each mask: `frame` is then the frame it was computed from. */
  readonly maskIsNew: boolean;
}

interface Pending<Mask> {
  readonly frame: LocalFrame;
  readonly mask: Mask;
}

export class Playout<Mask> {
  readonly ring: FrameRing;
  readonly #options: PlayoutOptions;
  readonly #pending: Pending<Mask>[] = [];
  readonly #lateness = new SampleWindow(LATENESS_MEMORY_MS);
  #shown: Pending<Mask> | undefined;
  #delayMs = 0;
  #lastSelectMs: number | undefined;

  constructor(ring: FrameRing = new FrameRing(), options: PlayoutOptions = PLAYOUT_DEFAULTS) {
    this.ring = ring;
    this.#options = options;
  }

  /** How far the picture runs behind capture, ms. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /**
   * @param frame the frame it was computed from, held in the ring.
   * @param nowMs time of arrival, `performance.now()`.
   * @returns false when a mask of the same or a newer frame has been shown already.
   */
  addMask(mask: Mask, frame: LocalFrame, nowMs: number): boolean {
    if (this.#shown !== undefined && frame.timestampMs <= this.#shown.frame.timestampMs) return false;
    const latenessMs = nowMs - frame.captureTimeMs;
    this.#lateness.add(nowMs, latenessMs);
    if (latenessMs > this.#delayMs) this.#delayMs = this.#clampDelay(latenessMs);
    const at = this.#pending.findIndex((pending) => pending.frame.timestampMs > frame.timestampMs);
    this.#pending.splice(at < 0 ? this.#pending.length : at, 0, { frame, mask });
    if (this.#pending.length > this.#options.pendingCapacity) this.#pending.shift();
    return true;
  }

  /** @returns undefined while there is no frame at all. */
  select(nowMs: number): PlayoutView<Mask> | undefined {
    this.#adaptDelay(nowMs);
    const newest = this.ring.frames.at(-1);
    if (newest === undefined) return undefined;
    const dueMs = nowMs - this.#delayMs - (newest.captureTimeMs - newest.timestampMs);
    const due = this.#takeDue(dueMs);
    if (due !== undefined) {
      this.#shown = due;
      return { frame: due.frame, mask: due.mask, maskFrame: due.frame, maskIsNew: true };
    }
    let frame = this.ring.newestUntil(dueMs) ?? this.ring.frames[0]!;
    // A delay that has just grown holds the picture; it never takes a mask back to before its frame.
    if (this.#shown !== undefined && frame.timestampMs < this.#shown.frame.timestampMs) frame = this.#shown.frame;
    if (!this.ring.has(frame)) frame = newest;
    if (this.#shown !== undefined && frame.timestampMs - this.#shown.frame.timestampMs > this.#options.holdMs) {
      this.#shown = undefined;
    }
    return { frame, mask: this.#shown?.mask, maskFrame: this.#shown?.frame, maskIsNew: false };
  }

  /** Forgets masks and frames, as when the track changes. */
  clear(): void {
    this.#pending.length = 0;
    this.#lateness.clear();
    this.#shown = undefined;
    this.#delayMs = 0;
    this.ring.clear();
  }

  /** The newest mask whose frame's turn has come; those before it have missed theirs. */
  #takeDue(dueMs: number): Pending<Mask> | undefined {
    let due: Pending<Mask> | undefined;
    while (this.#pending[0] !== undefined && this.#pending[0].frame.timestampMs <= dueMs) {
      const pending = this.#pending.shift()!;
      if (this.ring.has(pending.frame)) due = pending;
    }
    return due;
  }

  #clampDelay(latenessMs: number): number {
    return Math.min(this.#options.maxDelayMs, latenessMs + this.#options.marginMs);
  }

  #adaptDelay(nowMs: number): void {
    const slowestMs = this.#lateness.percentile(1, nowMs);
    const targetMs = slowestMs === undefined ? 0 : this.#clampDelay(slowestMs);
    const elapsedMs = nowMs - (this.#lastSelectMs ?? nowMs);
    this.#lastSelectMs = nowMs;
    if (this.#delayMs > targetMs)
      this.#delayMs = Math.max(targetMs, this.#delayMs - elapsedMs * this.#options.shrinkRate);
  }
}
