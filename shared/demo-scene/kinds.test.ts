import { describe, expect, test } from 'vitest';
import { indicesOf } from './kind.ts';
import { KIND_NAMES, KINDS } from './kinds.ts';

const RATE_HZ = 16_000;
const SECONDS = 3;
const LONGEST_GAP_S = 0.25;

describe.each(KIND_NAMES.map((name) => KINDS[name]))('$name', (kind) => {
  const waves = Array.from({ length: kind.voiceCount }, (_, voice) =>
    Float32Array.from({ length: SECONDS * RATE_HZ }, (_unused, i) => kind.sound(voice, i / RATE_HZ, 5)),
  );

  test('has designs and voices for both splits, none in common', () => {
    for (const count of [kind.designCount, kind.voiceCount]) {
      const train = indicesOf(count, 'train');
      const heldOut = indicesOf(count, 'held-out');
      expect(train.length).toBeGreaterThanOrEqual(5);
      expect(heldOut.length).toBeGreaterThanOrEqual(1);
      expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    }
  });

  test('sounds at an rms near 1', () => {
    for (const wave of waves) {
      const rms = Math.sqrt(wave.reduce((sum, x) => sum + x * x, 0) / wave.length);
      expect(rms).toBeGreaterThan(0.4);
      expect(rms).toBeLessThan(1.6);
    }
  });

  test('is never inaudible for 0.25 s while it sounds', () => {
    for (const wave of waves) {
      let gap = 0;
      let longest = 0;
      for (const x of wave) {
        gap = Math.abs(x) < 0.05 ? gap + 1 : 0;
        longest = Math.max(longest, gap);
      }
      expect(longest / RATE_HZ).toBeLessThan(LONGEST_GAP_S);
    }
  });

  test('has voices that all differ', () => {
    expect(new Set(waves.map((wave) => wave.join())).size).toBe(waves.length);
  });

  test('refuses a voice it has not, naming the range', () => {
    expect(() => kind.sound(99, 0, 0)).toThrow(`${kind.name} has no voice 99: use 0 to ${kind.voiceCount - 1}`);
  });
});
