/** Real FFT by fft.js, the only importer of that library. */
import FFT from 'fft.js';

export class RealFft {
  readonly length: number;
  readonly #fft: FFT;
  /** Interleaved re, im; fft.js fills the lower half of the spectrum. */
  readonly #spectrum: Float64Array;

  /** @throws RangeError when `length` is not a power of two above 1. */
  constructor(length: number) {
    if (!Number.isInteger(length) || length < 2 || (length & (length - 1)) !== 0) {
      throw new RangeError(`FFT length must be a power of two, not ${length}`);
    }
    this.length = length;
    this.#fft = new FFT(length);
    this.#spectrum = new Float64Array(2 * length);
  }

  /**
   * @param samples `length` real samples.
   * @param magnitudes receives |X[k]| for k in [0, length / 2].
   */
  magnitudes(samples: Float64Array, magnitudes: Float64Array): void {
    const spectrum = this.#spectrum;
    this.#fft.realTransform(spectrum, samples);
    for (let k = 0; k <= this.length / 2; k++) {
      const re = spectrum[2 * k]!;
      const im = spectrum[2 * k + 1]!;
      magnitudes[k] = Math.sqrt(re * re + im * im);
    }
  }
}
