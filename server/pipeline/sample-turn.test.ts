import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SampleTurn } from './sample-turn.ts';

const multiples = (periodMs: number, count: number) => Array.from({ length: count }, (_, i) => i * periodMs);

function taken(captureTimesMs: readonly number[], rateHz: number, turn = new SampleTurn()): number[] {
  return captureTimesMs.filter((timeMs) => turn.take(timeMs, rateHz));
}

describe('SampleTurn', () => {
  it.each([
    [30, 10, 3],
    [25, 5, 5],
    [60, 10, 6],
    [29.97, 10, 3],
  ])('of %f frames/s takes, at %i Hz, one in %i', (framesHz, rateHz, step) => {
    const timesMs = multiples(1000 / framesHz, 300);
    expect(taken(timesMs, rateHz)).toEqual(timesMs.filter((_, i) => i % step === 0));
  });

  it('takes every frame of a source slower than the rate', () => {
    const timesMs = multiples(200, 50);
    expect(taken(timesMs, 10)).toEqual(timesMs);
  });

  it('keeps each turn to within a frame at any variable frame rate', () => {
    const rateHz = fc.integer({ min: 2, max: 10 });
    // Frames closer than a period: with less there is nothing to choose.
    const gaps = fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(rateHz, gaps, (hz, shares) => {
        const periodMs = 1000 / hz;
        let timeMs = 0;
        const timesMs = [0, ...shares.map((share) => (timeMs += share * periodMs))];
        const longestMs = Math.max(...shares) * periodMs;
        for (const [turn, takenMs] of taken(timesMs, hz).entries()) {
          const earliestMs = (turn - 0.1) * periodMs;
          expect(takenMs).toBeGreaterThan(earliestMs - 1e-6);
          expect(takenMs).toBeLessThan(earliestMs + Math.max(longestMs, 0.1 * periodMs) + 1e-6);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('follows a change of rate at once', () => {
    const turn = new SampleTurn();
    const timesMs = multiples(50, 81);
    expect(taken(timesMs.slice(0, 41), 2, turn)).toEqual([0, 450, 950, 1450, 1950]);
    const faster = taken(timesMs.slice(41), 10, turn);
    expect(faster.slice(1).map((timeMs, i) => timeMs - faster[i]!)).toEqual(Array(faster.length - 1).fill(100));
    expect(faster.length).toBeGreaterThanOrEqual(19);
  });

  it.each([-60_000, 60_000])('finds a new turn when time jumps by %i ms', (jumpMs) => {
    const turn = new SampleTurn();
    taken(multiples(50, 10), 10, turn);
    const after = multiples(50, 10).map((timeMs) => 500 + jumpMs + timeMs);
    expect(taken(after, 10, turn)).toEqual(after.filter((_, i) => i % 2 === 0));
  });

  it('comes later by what it is put off, however much that is, and keeps its new place', () => {
    const turn = new SampleTurn();
    const timesMs = multiples(50, 41);
    expect(taken(timesMs.slice(0, 5), 10, turn)).toEqual([0, 100, 200]);
    turn.delay(650);
    expect(taken(timesMs.slice(5, 25), 10, turn)).toEqual([950, 1050, 1150]);
    turn.delay(50);
    expect(taken(timesMs.slice(25), 10, turn)).toEqual([1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000]);
  });
});
