/** Log-mel spectrogram, the audio front end of VGGish (Hershey et al. 2017) and of the models' manifests. */
import { RealFft } from './fft.ts';

/** A model manifest's `audio` block. Lengths in samples. */
export interface LogMelParameters {
  readonly sampleRateHz: number;
  readonly windowLength: number;
  readonly hopLength: number;
  readonly fftLength: number;
  readonly melBands: number;
  readonly melLowHz: number;
  readonly melHighHz: number;
  /** Added to each band's magnitude before the natural logarithm. */
  readonly logOffset: number;
  /** Frames of one patch. */
  readonly frames: number;
}

/** Samples of one patch: the first window and `frames - 1` hops. */
export function patchSamples({ windowLength, hopLength, frames }: LogMelParameters): number {
  return windowLength + hopLength * (frames - 1);
}

/** A triangle's non-zero weights, from FFT bin `firstBin` on. */
interface MelBand {
  readonly firstBin: number;
  readonly weights: Float64Array;
}

/**
 * One patch of waveform to log-mel: periodic Hann, magnitude spectrum, triangles in HTK mel, log(mel + offset).
 * Everything is allocated by the constructor.
 */
export class LogMel {
  readonly parameters: LogMelParameters;
  /** {@link patchSamples} */
  readonly sampleCount: number;
  readonly #fft: RealFft;
  readonly #hann: Float64Array;
  readonly #bands: readonly MelBand[];
  readonly #frame: Float64Array;
  readonly #magnitudes: Float64Array;

  /** @throws RangeError that names the parameter that does not fit. */
  constructor(parameters: LogMelParameters) {
    validate(parameters);
    const { windowLength, fftLength } = parameters;
    this.parameters = parameters;
    this.sampleCount = patchSamples(parameters);
    this.#fft = new RealFft(fftLength);
    // Periodic: divided by the length, not by the length less one.
    this.#hann = Float64Array.from(
      { length: windowLength },
      (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / windowLength),
    );
    this.#bands = melBands(parameters);
    this.#frame = new Float64Array(fftLength);
    this.#magnitudes = new Float64Array(fftLength / 2 + 1);
  }

  /**
   * @param samples mono waveform of `sampleCount`, [-1, 1], at `sampleRateHz`.
   * @param logMel receives float32 [frames, melBands], row-major, oldest frame first.
   * @throws RangeError when a length is wrong.
   */
  compute(samples: Float32Array, logMel: Float32Array): void {
    const { hopLength, frames, melBands } = this.parameters;
    if (samples.length !== this.sampleCount)
      throw new RangeError(`a patch has ${this.sampleCount} samples, not ${samples.length}`);
    if (logMel.length !== frames * melBands)
      throw new RangeError(`a patch has ${frames * melBands} values, not ${logMel.length}`);
    for (let frame = 0; frame < frames; frame++) {
      this.computeFrame(samples, frame * hopLength, logMel, frame * melBands);
    }
  }

  /**
   * One frame: the window of `samples` from `start` on.
   * @param logMel receives `melBands` values from index `at` on.
   */
  computeFrame(samples: Float32Array, start: number, logMel: Float32Array, at: number): void {
    const { windowLength, logOffset } = this.parameters;
    const frame = this.#frame;
    const hann = this.#hann;
    const magnitudes = this.#magnitudes;
    for (let n = 0; n < windowLength; n++) frame[n] = samples[start + n]! * hann[n]!;
    this.#fft.magnitudes(frame, magnitudes);
    let value = at;
    for (const { firstBin, weights } of this.#bands) {
      let sum = logOffset;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * magnitudes[firstBin + i]!;
      logMel[value++] = Math.log(sum);
    }
  }
}

/** HTK mel scale (Young et al., The HTK Book §5.4). */
function hertzToMel(hertz: number): number {
  return 1127 * Math.log1p(hertz / 700);
}

/** Triangles that are linear in mel, their corners evenly spaced in mel; the DC bin has no weight. */
function melBands({ sampleRateHz, fftLength, melBands, melLowHz, melHighHz }: LogMelParameters): MelBand[] {
  const lowMel = hertzToMel(melLowHz);
  const stepMel = (hertzToMel(melHighHz) - lowMel) / (melBands + 1);
  const binMel = Array.from({ length: fftLength / 2 + 1 }, (_, k) => hertzToMel((k * sampleRateHz) / fftLength));
  return Array.from({ length: melBands }, (_, band) => {
    const lower = lowMel + band * stepMel;
    const weights = binMel.map((mel, bin) => (bin === 0 ? 0 : Math.max(0, 1 - Math.abs((mel - lower) / stepMel - 1))));
    const firstBin = Math.max(
      0,
      weights.findIndex((weight) => weight > 0),
    );
    const lastBin = weights.findLastIndex((weight) => weight > 0);
    return { firstBin, weights: Float64Array.from(weights.slice(firstBin, lastBin + 1)) };
  });
}

function validate(parameters: LogMelParameters): void {
  const require = (fits: boolean, rule: string) => {
    if (!fits) throw new RangeError(`log-mel parameters: ${rule}`);
  };
  for (const name of ['sampleRateHz', 'windowLength', 'hopLength', 'fftLength', 'melBands', 'frames'] as const) {
    require(Number.isInteger(parameters[name]) && parameters[name] > 0, `${name} must be a positive integer`);
  }
  const { windowLength, fftLength, melLowHz, melHighHz, sampleRateHz, logOffset } = parameters;
  require(windowLength <= fftLength, 'windowLength must not exceed fftLength');
  require(melLowHz >= 0 && melLowHz < melHighHz, 'melLowHz must be below melHighHz and not negative');
  require(melHighHz <= sampleRateHz / 2, 'melHighHz must not exceed half the sample rate');
  require(logOffset > 0, 'logOffset must be positive');
}
