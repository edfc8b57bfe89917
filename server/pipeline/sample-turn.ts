/** Which frames are due at a rate: evenly in capture time. */

/** Share of a period by which a frame may come before its turn: at 30 frames/s a turn falls between frames. */
const EARLY_SHARE = 0.1;

export class SampleTurn {
  /** The turn of the frame taken last. */
  #turnMs: number | undefined;
  #delayMs = 0;

  /**
   * @param rateHz may change at any time.
   * @returns true when the frame is to be sampled; its successors then wait for the next turn.
   */
  take(captureTimeMs: number, rateHz: number): boolean {
    const periodMs = 1000 / rateHz;
    const turnMs = this.#turnMs ?? Number.NaN;
    const nextMs = turnMs + periodMs + this.#delayMs;
    // A timeline that jumped back or far ahead has no turn to keep.
    const kept = captureTimeMs >= turnMs - periodMs && captureTimeMs <= nextMs + periodMs;
    if (kept && captureTimeMs < nextMs - EARLY_SHARE * periodMs) return false;
    this.#turnMs = kept ? nextMs : captureTimeMs;
    this.#delayMs = 0;
    return true;
  }

  /** Puts off the next turn, and with it all that follow. */
  delay(byMs: number): void {
    this.#delayMs += byMs;
  }
}
