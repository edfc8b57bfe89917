/** fft.js 4 ships no types; it takes any array-like of numbers. */
declare module 'fft.js' {
  export default class FFT {
    constructor(length: number);
    /** Writes the lower half of the spectrum of real `input`, interleaved re, im. */
    realTransform(output: Float64Array, input: Float64Array): void;
  }
}
