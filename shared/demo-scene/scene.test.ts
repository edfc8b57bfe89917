import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indicesOf } from './kind.ts';
import { KINDS } from './kinds.ts';
import { createDemoScene } from './scene.ts';
import { CYCLE_MS, turnsOfCycle } from './schedule.ts';

const seeds = fc.integer({ min: 0, max: 0xffffffff });
const splits = fc.constantFrom('train' as const, 'held-out' as const);

function pcm(seed: number, startSample: number, length: number, sampleRateHz: number): Float32Array {
  const out = new Float32Array(length).fill(Number.NaN);
  createDemoScene(seed).synthesise(out, startSample, sampleRateHz);
  return out;
}

test('the same seed gives the same sound, another seed another', () => {
  const first = pcm(7, 16_000, 8000, 16_000);
  expect(first.some((x) => x !== 0)).toBe(true);
  expect(pcm(7, 16_000, 8000, 16_000)).toEqual(first);
  expect(pcm(8, 16_000, 8000, 16_000)).not.toEqual(first);
});

test('the sound of a seed has not changed since models were trained on it', () => {
  const wave = pcm(7, 16_000, 8, 16_000);
  expect(Array.from(wave, (x) => Number(x.toFixed(6)))).toMatchInlineSnapshot(`
    [
      -0.027277,
      -0.050385,
      -0.038969,
      0.021533,
      0.085605,
      0.100134,
      0.074279,
      0.05413,
    ]
  `);
});

test('chunks join without a seam, wherever they are cut', () => {
  fc.assert(
    fc.property(
      seeds,
      fc.nat(600_000),
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 2, maxLength: 5 }),
      (seed, start, lengths) => {
        const scene = createDemoScene(seed);
        const whole = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
        scene.synthesise(whole, start, 16_000);
        let at = 0;
        for (const length of lengths) {
          const chunk = new Float32Array(length);
          scene.synthesise(chunk, start + at, 16_000);
          expect(chunk).toEqual(whole.slice(at, at + length));
          at += length;
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('48 kHz and 16 kHz sample the same wave', () => {
  fc.assert(
    fc.property(seeds, fc.nat(500_000), (seed, start) => {
      const slow = pcm(seed, start, 300, 16_000);
      const fast = pcm(seed, start * 3, 900, 48_000);
      expect(Float32Array.from(slow, (_, i) => fast[3 * i] as number)).toEqual(slow);
    }),
    { numRuns: 40 },
  );
});

test('samples are exactly 0 when the truth says silent, and within [-1, 1] always', () => {
  fc.assert(
    fc.property(seeds, splits, fc.nat(2 * CYCLE_MS), (seed, split, timeMs) => {
      const scene = createDemoScene(seed, { split });
      const out = new Float32Array(160);
      scene.synthesise(out, timeMs * 16, 16_000);
      const silent = scene.truth(timeMs).silent && scene.truth(timeMs + 10).silent;
      if (silent) expect(out.every((x) => x === 0)).toBe(true);
      expect(out.every((x) => x >= -1 && x <= 1)).toBe(true);
    }),
  );
});

test('what the truth says sounds is heard within 0.25 s', () => {
  fc.assert(
    fc.property(seeds, fc.nat(2 * CYCLE_MS), (seed, timeMs) => {
      const scene = createDemoScene(seed);
      const turn = scene.turnAt(timeMs);
      expect(turn === null).toBe(scene.truth(timeMs).silent);
      if (turn === null || timeMs - turn.startMs < 250) return;
      const out = new Float32Array(4000);
      scene.synthesise(out, timeMs * 16 - 4000, 16_000);
      expect(Math.max(...out.map(Math.abs))).toBeGreaterThan(0.005);
    }),
  );
});

test('every situation occurs within the first cycle, and with three things or more one never sounds', () => {
  fc.assert(
    fc.property(seeds, splits, (seed, split) => {
      const scene = createDemoScene(seed, { split });
      const truths = Array.from({ length: CYCLE_MS / 50 }, (_, i) => scene.truth(i * 50));
      expect(truths.some(({ sounding, offScreen }) => sounding.length === 1 && !offScreen)).toBe(true);
      expect(truths.some(({ sounding }) => sounding.length >= 2)).toBe(true);
      expect(truths.some(({ sounding, offScreen }) => sounding.length === 0 && offScreen)).toBe(true);
      expect(truths.some(({ sounding, offScreen }) => sounding.length === 1 && offScreen)).toBe(true);
      expect(truths.some(({ silent }) => silent)).toBe(true);
      expect(truths.findIndex(({ silent }) => !silent) * 50).toBeLessThan(1000);
      const heard = new Set(truths.flatMap(({ sounding }) => sounding));
      expect(scene.things.length - heard.size).toBe(scene.things.length > 2 ? 1 : 0);
    }),
    { numRuns: 60 },
  );
});

test('a scene is cast from its own split alone, its kinds all different, and off-screen kinds are not in view', () => {
  fc.assert(
    fc.property(seeds, splits, (seed, split) => {
      const { things, offScreenVoices } = createDemoScene(seed, { split });
      const kinds = things.map(({ kind }) => kind);
      expect(new Set(kinds).size).toBe(things.length);
      for (const { kind, design } of things) expect(indicesOf(KINDS[kind].designCount, split)).toContain(design);
      for (const { kind, voice } of [...things.map((thing) => thing.voice), ...offScreenVoices])
        expect(indicesOf(KINDS[kind].voiceCount, split)).toContain(voice);
      for (const { kind } of offScreenVoices) expect(kinds).not.toContain(kind);
    }),
  );
});

test('times far from the start work', () => {
  const scene = createDemoScene(3);
  const cycle = 2880;
  expect(turnsOfCycle(1, cycle, [0, 1], 1)[0]?.startMs).toBeGreaterThanOrEqual(cycle * CYCLE_MS);
  const out = new Float32Array(48_000);
  scene.synthesise(out, cycle * 30 * 48_000, 48_000);
  expect(out.some((x) => x !== 0)).toBe(true);
});
