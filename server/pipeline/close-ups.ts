/** What a session's picture looks like up close. That changes slower than lips and sounds do, so a close-up is taken now and then. */
import type { CloseUpInput } from '../inference/manifest.ts';
import type { ModelInput } from '../inference/segmenter.ts';

export class CloseUps {
  readonly #everyMs: number;
  readonly #looks: Float32Array;
  #captureTimeMs = Number.NEGATIVE_INFINITY;

  constructor({ everyMs, looks }: CloseUpInput) {
    this.#everyMs = everyMs;
    this.#looks = new Float32Array(looks.positions * looks.kinds).fill(Number.NaN);
  }

  /**
   * Whether the last close-up that was looked at is too old for a frame, or of a clock that has been set since. In silence nothing is
   * looked at, and every sample's is due: what stood there before it would be of no use to the sound that ends it.
   */
  due(captureTimeMs: number): boolean {
    return Math.abs(captureTimeMs - this.#captureTimeMs) >= this.#everyMs;
  }

  /** Before a run: gives the input what the last close-up looked like, and leaves it its own where that is due still. */
  lend(input: ModelInput, captureTimeMs: number): void {
    input.hasCloseUp &&= this.due(captureTimeMs);
    input.looks.set(this.#looks);
  }

  /** After a run: keeps what the input's close-up looks like, if it had one. */
  keep(input: ModelInput, captureTimeMs: number): void {
    if (!input.hasCloseUp) return;
    this.#looks.set(input.looks);
    this.#captureTimeMs = captureTimeMs;
  }
}
