import { describe, expect, it } from 'vitest';
import { LogMel, type LogMelParameters } from './log-mel.ts';

const VGGISH: LogMelParameters = {
  sampleRateHz: 16_000,
  windowLength: 400,
  hopLength: 160,
  fftLength: 512,
  melBands: 64,
  melLowHz: 125,
  melHighHz: 7500,
  logOffset: 0.01,
  frames: 96,
};

/** The definition, written out: a DFT sum for every bin, every triangle from its three corners. */
function reference(parameters: LogMelParameters, samples: Float32Array): number[] {
  const { sampleRateHz, windowLength, hopLength, fftLength, melBands, melLowHz, melHighHz, logOffset, frames } =
    parameters;
  const mel = (hertz: number) => 1127 * Math.log(1 + hertz / 700);
  const corners = Array.from(
    { length: melBands + 2 },
    (_, i) => mel(melLowHz) + (i * (mel(melHighHz) - mel(melLowHz))) / (melBands + 1),
  );
  const out: number[] = [];
  for (let f = 0; f < frames; f++) {
    const magnitude: number[] = [];
    for (let k = 0; k <= fftLength / 2; k++) {
      let re = 0;
      let im = 0;
      for (let n = 0; n < windowLength; n++) {
        const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / windowLength);
        const x = samples[f * hopLength + n]! * hann;
        re += x * Math.cos((2 * Math.PI * ((k * n) % fftLength)) / fftLength);
        im -= x * Math.sin((2 * Math.PI * ((k * n) % fftLength)) / fftLength);
      }
      magnitude.push(Math.hypot(re, im));
    }
    for (let b = 0; b < melBands; b++) {
      const [lower, centre, upper] = [corners[b]!, corners[b + 1]!, corners[b + 2]!];
      let sum = 0;
      for (let k = 1; k <= fftLength / 2; k++) {
        const at = mel((k * sampleRateHz) / fftLength);
        sum += Math.max(0, Math.min((at - lower) / (centre - lower), (upper - at) / (upper - centre))) * magnitude[k]!;
      }
      out.push(Math.log(sum + logOffset));
    }
  }
  return out;
}

function noise(length: number): Float32Array {
  let seed = 3;
  return Float32Array.from({ length }, (_, n) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return 0.2 * (seed / 2 ** 31 - 1) + 0.5 * Math.sin(n * n * 2e-5);
  });
}

describe('LogMel', () => {
  it.each([
    ['VGGish, 6 frames', { ...VGGISH, frames: 6 }],
    [
      'other lengths and bands',
      { ...VGGISH, windowLength: 321, hopLength: 97, fftLength: 1024, melBands: 20, frames: 4 },
    ],
    [
      'other rate and range',
      { ...VGGISH, sampleRateHz: 8000, melLowHz: 0, melHighHz: 4000, melBands: 40, logOffset: 1e-4, frames: 3 },
    ],
    ['bands narrower than a bin', { ...VGGISH, fftLength: 512, melBands: 128, frames: 2 }],
  ])('equals the definition: %s', (_name, parameters) => {
    const logMel = new LogMel(parameters);
    const samples = noise(logMel.sampleCount);
    const out = new Float32Array(parameters.frames * parameters.melBands);
    logMel.compute(samples, out);
    const expected = reference(parameters, samples);
    const worst = Math.max(...expected.map((value, index) => Math.abs(value - out[index]!)));
    expect(worst).toBeLessThan(1e-5);
  });

  it('takes 0.975 s of waveform for the 0.96 s patch of VGGish', () => {
    expect(new LogMel(VGGISH).sampleCount).toBe(15_600);
  });

  it('gives log(offset) for silence', () => {
    const logMel = new LogMel(VGGISH);
    const out = new Float32Array(96 * 64);
    logMel.compute(new Float32Array(15_600), out);
    expect(new Set(out)).toEqual(new Set([Math.fround(Math.log(0.01))]));
  });

  it.each([
    ['windowLength', { windowLength: 513 }],
    ['power of two', { fftLength: 500 }],
    ['melLowHz', { melLowHz: 7500 }],
    ['half the sample rate', { melHighHz: 8001 }],
    ['hopLength', { hopLength: 0 }],
    ['frames', { frames: 1.5 }],
    ['logOffset', { logOffset: 0 }],
  ])('refuses parameters that do not fit: %s', (message, change) => {
    expect(() => new LogMel({ ...VGGISH, ...change })).toThrow(message);
  });

  it('refuses buffers of another length', () => {
    const logMel = new LogMel(VGGISH);
    expect(() => logMel.compute(new Float32Array(15_599), new Float32Array(96 * 64))).toThrow(RangeError);
    expect(() => logMel.compute(new Float32Array(15_600), new Float32Array(96 * 63))).toThrow(RangeError);
  });
});
