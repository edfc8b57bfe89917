import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRuns, encodeRuns } from './rle.ts';

describe('run lengths', () => {
  it('go down the columns and start with zeros, as in COCO', () => {
    // 1 0
    // 1 1   columns: 1 1, 0 1
    expect(encodeRuns(Uint8Array.of(1, 0, 1, 1), 2, 2)).toEqual([0, 2, 1, 1]);
    expect(encodeRuns(Uint8Array.of(0, 0, 0, 0), 2, 2)).toEqual([4]);
    expect(encodeRuns(Uint8Array.of(255, 255, 255, 255), 2, 2)).toEqual([0, 4]);
  });

  it('restore any mask of any shape', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.uint8Array({ minLength: 1, maxLength: 200, max: 1 }),
        (width, data) => {
          const height = Math.max(1, Math.floor(data.length / width));
          const mask = new Uint8Array(width * height).map((_, i) => data[i] ?? 0);
          const restored = new Uint8Array(width * height).fill(9);
          decodeRuns(encodeRuns(mask, width, height), width, height, restored);
          expect(restored).toEqual(mask);
        },
      ),
    );
  });

  it('are refused when they do not fill the mask exactly', () => {
    expect(() => decodeRuns([3], 2, 2, new Uint8Array(4))).toThrow(RangeError);
    expect(() => decodeRuns([3, 2], 2, 2, new Uint8Array(4))).toThrow(RangeError);
  });
});
