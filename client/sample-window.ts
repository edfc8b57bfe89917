/** The samples of the last few seconds, with their percentiles. Bounded by age and by count: the oldest goes first. */
export class SampleWindow {
  readonly #spanMs: number;
  readonly #capacity: number;
  readonly #samples: { readonly timeMs: number; readonly value: number }[] = [];

  /**
   * @param spanMs age beyond which a sample no longer counts, ms.
   * @param capacity most samples kept.
   */
  constructor(spanMs: number, capacity = 512) {
    this.#spanMs = spanMs;
    this.#capacity = capacity;
  }

  /** @param timeMs not before that of any earlier sample. */
  add(timeMs: number, value: number): void {
    this.#samples.push({ timeMs, value });
    if (this.#samples.length > this.#capacity) this.#samples.shift();
    this.#expire(timeMs);
  }

  /** Samples within the span before `nowMs`. */
  count(nowMs: number): number {
    this.#expire(nowMs);
    return this.#samples.length;
  }

  /** Samples a second over the span, or over the time since the first sample while that is shorter; 0 when empty. */
  rateHz(nowMs: number): number {
    const count = this.count(nowMs);
    const first = this.#samples[0];
    if (first === undefined || count < 2) return 0;
    // A window that has just begun to fill would read low if divided by its whole span.
    const spanMs = Math.max(1, Math.min(this.#spanMs, nowMs - first.timeMs));
    return ((count - 1) * 1000) / spanMs;
  }

  /**
   * @param share 0..1, nearest-rank percentile.
   * @returns undefined when no sample is within the span.
   */
  percentile(share: number, nowMs: number): number | undefined {
    const count = this.count(nowMs);
    if (count === 0) return undefined;
    const sorted = this.#samples.map((sample) => sample.value).sort((a, b) => a - b);
    return sorted[Math.min(count - 1, Math.max(0, Math.ceil(share * count) - 1))];
  }

  mean(nowMs: number): number | undefined {
    const count = this.count(nowMs);
    return count === 0 ? undefined : this.#samples.reduce((sum, sample) => sum + sample.value, 0) / count;
  }

  clear(): void {
    this.#samples.length = 0;
  }

  #expire(nowMs: number): void {
    let expired = 0;
    while (expired < this.#samples.length && nowMs - this.#samples[expired]!.timeMs > this.#spanMs) expired++;
    if (expired > 0) this.#samples.splice(0, expired);
  }
}
