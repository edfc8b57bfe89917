import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { MaskMessage } from '../shared/mask-codec.ts';
import { encodeRuns, overlapOfRuns } from '../shared/rle.ts';
import { Truth } from './truth.ts';

const WIDTH = 6;
const HEIGHT = 5;
const mask = fc.uint8Array({ minLength: WIDTH * HEIGHT, maxLength: WIDTH * HEIGHT, max: 1 });
const message = (runs: readonly number[] | undefined, width = WIDTH, height = HEIGHT) =>
  ({ width, height, classes: runs === undefined ? [] : [{ classIndex: 0, runs }] }) as unknown as MaskMessage;

it('counts the pixels of both masks on their runs', () => {
  fc.assert(
    fc.property(mask, mask, (a, b) => {
      const both = a.filter((bit, i) => bit === 1 && b[i] === 1).length;
      expect(overlapOfRuns(encodeRuns(a, WIDTH, HEIGHT), encodeRuns(b, WIDTH, HEIGHT))).toBe(both);
    }),
  );
});

it('is 1 for the truth itself, 0 for its opposite and for nothing, and unknown where nothing sounds', () => {
  const bits = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const runs = encodeRuns(bits, WIDTH, HEIGHT);
  const truth = new Truth({ width: WIDTH, height: HEIGHT, runs: [runs, undefined] });
  expect(truth.iou(0, message(runs))).toBe(1);
  expect(
    truth.iou(
      0,
      message(
        encodeRuns(
          bits.map((bit) => 1 - bit),
          WIDTH,
          HEIGHT,
        ),
      ),
    ),
  ).toBe(0);
  expect(truth.iou(0, message(undefined))).toBe(0);
  expect(truth.iou(1, message(runs))).toBeUndefined();
});

it('resizes the truth to the mask', () => {
  const half = Uint8Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 1 : 0));
  const truth = new Truth({ width: 4, height: 4, runs: [encodeRuns(half, 4, 4)] });
  expect(truth.iou(0, message(encodeRuns(Uint8Array.of(1, 0, 1, 0), 2, 2), 2, 2))).toBe(1);
  expect(truth.iou(0, message(encodeRuns(Uint8Array.of(1, 1, 0, 0), 2, 2), 2, 2))).toBeCloseTo(1 / 3);
});
