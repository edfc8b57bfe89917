/** How many masks a second a session asks for: up slowly while answers come in time, down fast when they do not. */

/** Below this the overlay no longer follows what happens. */
export const MIN_MASK_RATE_HZ = 2;
/** Additive increase per answer in time, Hz. */
const INCREASE_HZ = 0.1;
/** Multiplicative decrease per late answer. */
const DECREASE = 0.85;
/** Share of the sampling period that an answer may take before the session slows down. */
const LATE_SHARE = 0.9;

/** Additive increase, multiplicative decrease (Chiu and Jain 1989), so that sessions that share a machine end at equal rates. */
export class MaskRate {
  readonly #maxHz: number;
  #hz: number;

  /** @param maxHz masks a second aimed at when the machine is idle, at least {@link MIN_MASK_RATE_HZ}. */
  constructor(maxHz: number) {
    this.#maxHz = Math.max(MIN_MASK_RATE_HZ, maxHz);
    this.#hz = this.#maxHz;
  }

  get hz(): number {
    return this.#hz;
  }

  /** @param turnaroundMs time from the window being ready to its logits. */
  answered(turnaroundMs: number): void {
    if (turnaroundMs * this.#hz > 1000 * LATE_SHARE) this.missed();
    else this.#hz = Math.min(this.#maxHz, this.#hz + INCREASE_HZ);
  }

  /** A window was superseded or ran out of time. */
  missed(): void {
    this.#hz = Math.max(MIN_MASK_RATE_HZ, this.#hz * DECREASE);
  }
}
