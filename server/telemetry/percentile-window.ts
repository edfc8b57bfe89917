/** Percentiles over the newest observations of one quantity. */
export class PercentileWindow {
  readonly #values: Float64Array;
  #count = 0;

  /** @param capacity observations kept; older ones are overwritten. */
  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  add(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  /**
   * @param share 0..1
   * @returns the nearest-rank percentile, undefined without observations.
   */
  percentile(share: number): number | undefined {
    const held = Math.min(this.#count, this.#values.length);
    if (held === 0) return undefined;
    const sorted = this.#values.slice(0, held).sort();
    return sorted[Math.min(held - 1, Math.max(0, Math.ceil(share * held) - 1))];
  }
}
