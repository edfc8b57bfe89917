/** Places a track's timestamps on the timeline of `performance.now()`: the fastest delivery seen marks the capture. */
export class CaptureClock {
  /** Lets the estimate follow clocks that drift apart, ms a ms: 100 ppm. */
  static readonly #DRIFT = 1e-4;
  #offsetMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;

  /**
   * @param timestampMs on the track's timeline.
   * @param arrivalMs when it reached the page, `performance.now()`.
   * @returns capture time, ms on `performance.now()`'s timeline, at most `arrivalMs`.
   */
  observe(timestampMs: number, arrivalMs: number): number {
    const drifted = this.#offsetMs + (arrivalMs - this.#lastMs) * CaptureClock.#DRIFT;
    this.#lastMs = arrivalMs;
    this.#offsetMs = Math.min(drifted, arrivalMs - timestampMs);
    return timestampMs + this.#offsetMs;
  }
}
