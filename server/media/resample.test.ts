import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Resampler } from './resample.ts';

/** Runs a whole signal through in chunks and lays the output on an absolute timeline. */
function run(
  resampler: Resampler,
  signal: (n: number) => number,
  from: number,
  to: number,
  chunk: (start: number) => number,
) {
  const out = new Map<number, number>();
  for (let start = from; start < to; ) {
    const length = Math.min(chunk(start), to - start);
    const { position, samples } = resampler.resample(
      start,
      Float32Array.from({ length }, (_, i) => signal(start + i)),
    );
    if (out.size > 0 && samples.length > 0) expect(out.has(position - 1) && !out.has(position)).toBe(true);
    for (const [i, sample] of samples.entries()) out.set(position + i, sample);
    start += length;
  }
  return out;
}

const sine = (hertz: number, rateHz: number) => (n: number) => Math.sin((2 * Math.PI * hertz * n) / rateHz);

function worst(out: ReadonlyMap<number, number>, expected: (k: number) => number, from: number, to: number): number {
  let error = 0;
  for (let k = from; k < to; k++) error = Math.max(error, Math.abs(out.get(k)! - expected(k)));
  return error;
}

describe('Resampler', () => {
  it.each([
    [48_000, 16_000, 300],
    [48_000, 16_000, 3000],
    [48_000, 16_000, 7400],
    [44_100, 16_000, 1000],
    [8000, 16_000, 1000],
    [16_000, 16_000, 5000],
  ])('%i Hz to %i Hz keeps a tone of %i Hz, without delay', (inputRate, outputRate, hertz) => {
    const origin = -inputRate;
    const out = run(
      new Resampler(inputRate, outputRate),
      sine(hertz, inputRate),
      origin,
      origin + inputRate,
      () => inputRate / 50,
    );
    const first = -outputRate;
    expect(out.has(first)).toBe(true);
    expect(worst(out, sine(hertz, outputRate), first + 100, first + outputRate - 100)).toBeLessThan(2e-3);
  });

  it.each([8600, 10_000, 15_000, 23_000])('removes %i Hz, which would fold back', (hertz) => {
    const out = run(new Resampler(48_000, 16_000), sine(hertz, 48_000), 0, 48_000, () => 960);
    expect(worst(out, () => 0, 100, 15_900)).toBeLessThan(1e-3);
  });

  it('gives the same for any division into chunks', () => {
    const signal = (n: number) => Math.sin(n * n * 1e-5);
    const whole = run(new Resampler(48_000, 16_000), signal, 7, 5767, () => 5760);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 }), (lengths) => {
        let turn = 0;
        const out = run(new Resampler(48_000, 16_000), signal, 7, 5767, () => lengths[turn++ % lengths.length]!);
        expect(out.size).toBe(whole.size);
        expect(worst(out, (k) => whole.get(k)!, 3, 3 + whole.size)).toBe(0);
      }),
    );
  });

  it('starts afresh after a gap, in its right place, with no ringing from before', () => {
    const resampler = new Resampler(48_000, 16_000);
    run(
      resampler,
      () => 1,
      0,
      4800,
      () => 960,
    );
    const out = run(
      resampler,
      () => 0,
      9600,
      14_400,
      () => 960,
    );
    expect(Math.min(...out.keys())).toBe(3200);
    expect(worst(out, () => 0, 3200, 4700)).toBe(0);
  });

  it('drops samples it already had, and follows a timeline that began anew', () => {
    const resampler = new Resampler(48_000, 16_000);
    run(
      resampler,
      () => 1,
      100_000,
      104_800,
      () => 960,
    );
    expect(resampler.resample(103_840, new Float32Array(960)).samples).toHaveLength(0);
    expect(resampler.resample(0, new Float32Array(960)).position).toBe(0);
  });

  it('refuses rates without a small ratio and chunks beyond 120 ms', () => {
    expect(() => new Resampler(48_000, 16_001)).toThrow(RangeError);
    expect(() => new Resampler(48_000, 0)).toThrow(RangeError);
    expect(() => new Resampler(48_000, 16_000).resample(0, new Float32Array(7000))).toThrow(RangeError);
  });
});
