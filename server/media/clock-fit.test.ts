import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockFit, readClock } from './clock-fit.ts';

const START_MS = 1_800_000_000_000;

describe('ClockFit', () => {
  it('has no line before the first reading, and takes that one as it is', () => {
    const fit = new ClockFit();
    expect(fit.line).toBeUndefined();
    fit.add(5000, START_MS);
    expect(readClock(fit.line!, 5500)).toBe(START_MS + 500);
  });

  it('finds offset and drift though up to six of sixteen readings are wrong by up to 200 ms', () => {
    const wrong = fc.uniqueArray(fc.integer({ min: 0, max: 15 }), { maxLength: 6 });
    const errors = fc.array(fc.integer({ min: -200, max: 200 }), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(wrong, errors, fc.integer({ min: -200, max: 200 }), (indices, errorsMs, driftPpm) => {
        const fit = new ClockFit();
        const truth = (mediaMs: number) => START_MS + mediaMs * (1 + driftPpm * 1e-6);
        for (let i = 0; i < 16; i++) fit.add(i * 5000, truth(i * 5000) + (indices.includes(i) ? errorsMs[i]! : 0));
        expect(Math.abs(readClock(fit.line!, 77_000) - truth(77_000))).toBeLessThan(40);
      }),
    );
  });

  it('does not take jitter for drift while its readings span little', () => {
    const fit = new ClockFit();
    fit.add(0, START_MS);
    fit.add(1000, START_MS + 1010);
    expect(fit.line?.drift).toBe(0);
  });

  it('follows a clock that was set, at the second reading that says so', () => {
    const fit = new ClockFit();
    for (let mediaMs = 0; mediaMs < 20_000; mediaMs += 1000) fit.add(mediaMs, START_MS + mediaMs);
    fit.add(20_000, START_MS + 23_600_000);
    expect(Math.abs(readClock(fit.line!, 20_000) - START_MS - 20_000)).toBeLessThan(1);
    fit.add(21_000, START_MS + 23_601_000);
    expect(Math.abs(readClock(fit.line!, 22_000) - START_MS - 23_602_000)).toBeLessThan(1);
  });

  it('leaves out readings that are too close or out of order', () => {
    const fit = new ClockFit();
    fit.add(1000, START_MS);
    fit.add(1100, START_MS + 900);
    fit.add(500, START_MS - 900);
    expect(readClock(fit.line!, 1000)).toBe(START_MS);
  });
});
