/** Streaming sample-rate conversion by a polyphase windowed sinc, its delay taken off. */

/** Output of one call; the samples are valid until the next. */
export interface ResampledRun {
  /** Position of the first sample in units of the output rate; whole. */
  readonly position: number;
  readonly samples: Float32Array;
}

/** Half the kernel's length, ms: with the window below, a transition 1.2 kHz wide around the lower Nyquist frequency. */
const HALF_WIDTH_MS = 1.6;
/** Kaiser window for 64 dB of stop-band attenuation (Oppenheim & Schafer, Discrete-Time Signal Processing §7.5.3). */
const KAISER_BETA = 0.1102 * (64 - 8.7);
/** The longest Opus packet (RFC 6716 §3.2), ms. */
const MAX_CHUNK_MS = 120;
/** Bounds the table of phases; every common pair of rates stays far below. */
const MAX_PHASES = 1000;
/** Older input than this is no late packet but a timeline that began anew, ms. */
const MAX_LATE_MS = 1000;

/**
 * Positions are absolute: output sample k stands for the same instant as input position `k * inputRate / outputRate`.
 * Chunks that follow each other are one signal; at a gap the filter starts afresh, and the last 1.6 ms before it are not given.
 */
export class Resampler {
  readonly #inputRateHz: number;
  /** outputRate / inputRate in lowest terms. */
  readonly #up: number;
  readonly #down: number;
  readonly #half: number;
  readonly #kernel: readonly Float32Array[];
  readonly #input: Float32Array;
  readonly #output: Float32Array;
  #inputPosition = 0;
  #inputLength = 0;
  #nextOutput = 0;
  #started = false;

  /** @throws RangeError when the rates are not whole, or have no ratio of small numbers. */
  constructor(inputRateHz: number, outputRateHz: number) {
    const divisor = greatestCommonDivisor(inputRateHz, outputRateHz);
    this.#inputRateHz = inputRateHz;
    this.#up = outputRateHz / divisor;
    this.#down = inputRateHz / divisor;
    const isRate = (hertz: number) => Number.isInteger(hertz) && hertz > 0;
    if (!isRate(inputRateHz) || !isRate(outputRateHz) || this.#up > MAX_PHASES) {
      throw new RangeError(`cannot resample ${inputRateHz} Hz to ${outputRateHz} Hz`);
    }
    // Even, so that the taps are a multiple of four.
    this.#half = 2 * Math.ceil((HALF_WIDTH_MS / 2000) * inputRateHz);
    this.#kernel = kernel(this.#up, this.#half, Math.min(1, outputRateHz / inputRateHz));
    const chunk = Math.ceil((MAX_CHUNK_MS / 1000) * inputRateHz);
    this.#input = new Float32Array(chunk + 2 * this.#half + this.#down);
    this.#output = new Float32Array(Math.ceil((this.#input.length * this.#up) / this.#down));
  }

  /**
   * @param position of the first sample in units of the input rate; whole.
   * @param samples mono, at most 120 ms. Ones already given are dropped.
   * @throws RangeError when there are more.
   */
  resample(position: number, samples: Float32Array): ResampledRun {
    const expected = this.#inputPosition + this.#inputLength;
    if (!this.#started || position > expected || expected - position > (MAX_LATE_MS / 1000) * this.#inputRateHz) {
      this.#restart(position);
    }
    const fresh = samples.subarray(Math.max(0, this.#inputPosition + this.#inputLength - position));
    if (this.#inputLength + fresh.length > this.#input.length)
      throw new RangeError(`more than ${MAX_CHUNK_MS} ms at once`);
    this.#input.set(fresh, this.#inputLength);
    this.#inputLength += fresh.length;
    return this.#drain();
  }

  /** Silence before the first sample, so that output begins with it. */
  #restart(position: number): void {
    this.#started = true;
    this.#inputPosition = position - this.#half;
    this.#inputLength = this.#half;
    this.#input.fill(0, 0, this.#half);
    this.#nextOutput = Math.ceil((position * this.#up) / this.#down);
  }

  #drain(): ResampledRun {
    const position = this.#nextOutput;
    const input = this.#input;
    const taps = 2 * this.#half;
    let count = 0;
    let first = this.#firstTap();
    for (; first + taps <= this.#inputLength; first = this.#firstTap()) {
      const phase = this.#kernel[modulo(this.#nextOutput * this.#down, this.#up)]!;
      this.#output[count++] = dot(phase, input, first);
      this.#nextOutput++;
    }
    const used = Math.min(Math.max(0, first), this.#inputLength);
    this.#input.copyWithin(0, used, this.#inputLength);
    this.#inputPosition += used;
    this.#inputLength -= used;
    return { position, samples: this.#output.subarray(0, count) };
  }

  /** Index into the held input of the next output's first tap. */
  #firstTap(): number {
    return Math.floor((this.#nextOutput * this.#down) / this.#up) - this.#half + 1 - this.#inputPosition;
  }
}

/** Sum of `weights[i] * values[first + i]`; their number is a multiple of four. */
function dot(weights: Float32Array, values: Float32Array, first: number): number {
  // Four sums that need not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0, at = first; i < weights.length; i += 4, at += 4) {
    a += weights[i]! * values[at]!;
    b += weights[i + 1]! * values[at + 1]!;
    c += weights[i + 2]! * values[at + 2]!;
    d += weights[i + 3]! * values[at + 3]!;
  }
  return a + b + c + d;
}

/**
 * @param cutoff fraction of the input's Nyquist frequency.
 * @returns for each phase the weights of the `2 * half` inputs around an output, each phase of unit gain at 0 Hz.
 */
function kernel(phases: number, half: number, cutoff: number): Float32Array[] {
  return Array.from({ length: phases }, (_, phase) => {
    const weights = Float64Array.from({ length: 2 * half }, (_, tap) => {
      const distance = phase / phases + half - 1 - tap;
      const x = Math.PI * cutoff * distance;
      return (x === 0 ? 1 : Math.sin(x) / x) * kaiser(distance / half);
    });
    const gain = weights.reduce((sum, weight) => sum + weight, 0);
    return Float32Array.from(weights, (weight) => weight / gain);
  });
}

/** Kaiser window, not normalised: 0 outside of |x| <= 1. */
function kaiser(x: number): number {
  return Math.abs(x) > 1 ? 0 : besselI0(KAISER_BETA * Math.sqrt(1 - x * x));
}

/** Modified Bessel function of the first kind and order 0, by its power series (Abramowitz & Stegun 9.6.12). */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** The remainder of floored division: never negative, as positions may be. */
function modulo(a: number, b: number): number {
  return a - b * Math.floor(a / b);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
