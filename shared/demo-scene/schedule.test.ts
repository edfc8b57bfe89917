import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CYCLE_MS, turnsOfCycle } from './schedule.ts';

const singers = fc.constantFrom([0, 1], [2, 0], [0, 1, 2], [3, 1, 0]);

test('every situation occurs in every cycle, silence included', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(1000), singers, (seed, cycle, indices) => {
      const turns = turnsOfCycle(seed, cycle, indices, 3);
      expect(new Set(turns.map(({ situation }) => situation))).toEqual(
        new Set(['solo', 'together', 'off-screen', 'both']),
      );
      expect(new Set(turns.flatMap(({ things }) => things))).toEqual(new Set(indices));
      const ends = [cycle * CYCLE_MS, ...turns.map(({ endMs }) => endMs)];
      const starts = [...turns.map(({ startMs }) => startMs), (cycle + 1) * CYCLE_MS];
      const pauses = starts.map((start, i) => start - (ends[i] as number));
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...pauses)).toBeGreaterThanOrEqual(1500);
    }),
  );
});

test('a turn lasts 1.5 to 4 s and the first begins within 1 s', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(1000), singers, (seed, cycle, indices) => {
      const turns = turnsOfCycle(seed, cycle, indices, 1);
      for (const { startMs, endMs } of turns) {
        expect(endMs - startMs).toBeGreaterThanOrEqual(1500);
        expect(endMs - startMs).toBeLessThanOrEqual(4000);
      }
      expect((turns[0]?.startMs ?? Number.NaN) - cycle * CYCLE_MS).toBeLessThan(1000);
    }),
  );
});

test('who is in a turn follows from its situation', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(1000), singers, (seed, cycle, indices) => {
      for (const { situation, things, offScreen } of turnsOfCycle(seed, cycle, indices, 2)) {
        expect(new Set(things).size).toBe(things.length);
        expect(offScreen !== null).toBe(situation === 'off-screen' || situation === 'both');
        if (situation === 'together') expect(things.length).toBeGreaterThanOrEqual(2);
        else expect(things.length).toBe(situation === 'off-screen' ? 0 : 1);
      }
    }),
  );
});
