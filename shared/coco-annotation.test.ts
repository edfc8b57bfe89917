import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressCounts, expandCounts, shapeOf } from './coco-annotation.ts';
import { encodeRuns } from './rle.ts';

/** The shape of a mask, pixel by pixel. */
function shapeByPixels(mask: Uint8Array, width: number) {
  const lit = [...mask.keys()].filter((i) => mask[i] === 1).map((i) => [i % width, Math.floor(i / width)] as const);
  if (lit.length === 0) return undefined;
  const [xs, ys] = [lit.map(([x]) => x), lit.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value + 0.5, 0) / values.length;
  return {
    area: lit.length,
    bbox: [left, top, Math.max(...xs) + 1 - left, Math.max(...ys) + 1 - top],
    centroid: [mean(xs), mean(ys)],
  };
}

describe('shapeOf', () => {
  it('agrees with counting pixels', () => {
    const size = fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) });
    const masks = size.chain(({ width, height }) =>
      fc
        .array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height })
        .map((pixels) => ({ mask: Uint8Array.from(pixels), width, height })),
    );
    fc.assert(
      fc.property(masks, ({ mask, width, height }) => {
        const shape = shapeOf(encodeRuns(mask, width, height), height);
        const expected = shapeByPixels(mask, width);
        expect(shape === undefined).toBe(expected === undefined);
        if (shape === undefined || expected === undefined) return;
        expect([shape.area, ...shape.bbox]).toEqual([expected.area, ...expected.bbox]);
        for (const axis of [0, 1] as const) expect(shape.centroid[axis]).toBeCloseTo(expected.centroid[axis]!, 9);
      }),
    );
  });
});

describe('compressCounts', () => {
  // Of pycocotools 2.0: encode(np.asfortranarray(mask))['counts'].
  it.each([
    ['nothing lit', [16], '`0'],
    ['all lit', [0, 16], '0`0'],
    ['a square in the middle', [5, 2, 2, 2, 5], '52203'],
    ['runs that shrink', [100, 50, 3, 2, 1, 40], 'T3b13`NNV1'],
  ])('writes %s as pycocotools does', (_what, runs, counts) => {
    expect(compressCounts(runs)).toBe(counts);
  });
});

describe('expandCounts', () => {
  it('gives back the runs that were compressed', () => {
    const runs = fc.array(fc.integer({ min: 0, max: 2 ** 30 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(runs, (given) => {
        expect(expandCounts(compressCounts(given))).toEqual(given);
      }),
    );
  });

  it('refuses counts that are cut off', () => {
    expect(() => expandCounts(compressCounts([1000]).slice(0, -1))).toThrow(RangeError);
  });
});
