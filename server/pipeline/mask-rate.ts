/** How many masks a second a session asks for: as many as are answered, a little fewer than would queue. */

/** Below this the overlay no longer follows what happens. */
export const MIN_MASK_RATE_HZ = 2;
/** Share of the time between two windows that an answer may take; the rest keeps queues short. */
const BUSY_SHARE = 0.9;
/**
 * How much more a wait for the model slows down than a run of it. With N sessions that are served X times a second in all, the
 * time between two windows of one is N / X whatever is asked for: the more of it a wait counts for, the shorter the wait.
 */
const WAIT_WEIGHT = 2.5;
/** Weight of the newest answer in the mean: a single slow one does not halve the rate, ten do what they must. */
const NEWEST_WEIGHT = 0.1;

/** What the operators know of a rate. */
export interface AskedRate {
  /** Masks a second asked for now. */
  readonly hz: number;
  answered(turnaroundMs: number, queueMs: number): void;
}

/**
 * Follows the mean time from a window to its answer, of which the wait for the model counts more than once. Sessions that share
 * a machine wait in the same queue and see the same delay, so their rates become equal; when it lengthens all of them slow down,
 * and the queue stays short.
 */
export class MaskRate implements AskedRate {
  readonly #maxHz: number;
  /** Of turnarounds, with their waits weighted. */
  #meanMs: number | undefined;

  /** @param maxHz masks a second aimed at when the machine is idle, at least {@link MIN_MASK_RATE_HZ}. */
  constructor(maxHz: number) {
    this.#maxHz = Math.max(MIN_MASK_RATE_HZ, maxHz);
  }

  get hz(): number {
    if (this.#meanMs === undefined) return this.#maxHz;
    return Math.min(this.#maxHz, Math.max(MIN_MASK_RATE_HZ, (1000 * BUSY_SHARE) / this.#meanMs));
  }

  /**
   * @param turnaroundMs time from the window being ready to its logits; of a window without an answer, the longest wait.
   * @param queueMs how much of it the window waited for the model.
   */
  answered(turnaroundMs: number, queueMs: number): void {
    const weightedMs = turnaroundMs + (WAIT_WEIGHT - 1) * queueMs;
    this.#meanMs = this.#meanMs === undefined ? weightedMs : this.#meanMs + NEWEST_WEIGHT * (weightedMs - this.#meanMs);
  }
}
