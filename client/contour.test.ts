import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Contour, traceContours } from './contour.ts';

/** Signed by orientation, so that holes count against what they are cut from. */
function area(contour: Contour): number {
  let sum = 0;
  for (let i = 0; i < contour.length; i += 2) {
    const j = (i + 2) % contour.length;
    sum += contour[i]! * contour[j + 1]! - contour[j]! * contour[i + 1]!;
  }
  return sum / 2;
}

const totalArea = (contours: readonly Contour[]) => contours.reduce((sum, contour) => sum + area(contour), 0);

function disc(size: number, radius: number, hole = 0): Uint8Array {
  return Uint8Array.from({ length: size * size }, (_, i) => {
    const distance = Math.hypot((i % size) + 0.5 - size / 2, Math.floor(i / size) + 0.5 - size / 2);
    return distance < radius && distance >= hole ? 1 : 0;
  });
}

test('an empty mask has no contour, a full one follows the border', () => {
  expect(traceContours(new Uint8Array(12), 4, 3)).toEqual([]);
  const full = traceContours(new Uint8Array(12).fill(1), 4, 3);
  expect(full).toHaveLength(1);
  expect(Math.abs(totalArea(full))).toBeGreaterThan(11);
});

test('a disc keeps its area within 2 % and its hole is a second contour', () => {
  const solid = traceContours(disc(64, 20), 64, 64);
  expect(solid).toHaveLength(1);
  expect(Math.abs(totalArea(solid)) / (Math.PI * 400)).toBeCloseTo(1, 1);
  const ring = traceContours(disc(64, 20, 9), 64, 64);
  expect(ring).toHaveLength(2);
  expect(Math.abs(totalArea(ring)) / (Math.PI * (400 - 81))).toBeCloseTo(1, 1);
});

test('any mask gives closed contours within its bounds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.infiniteStream(fc.nat(1)),
      (width, height, bits) => {
        const mask = Uint8Array.from({ length: width * height }, () => bits.next().value as number);
        for (const contour of traceContours(mask, width, height)) {
          expect(contour.length).toBeGreaterThanOrEqual(6);
          for (let i = 0; i < contour.length; i += 2) {
            expect(contour[i]).toBeGreaterThanOrEqual(0);
            expect(contour[i]).toBeLessThanOrEqual(width);
            expect(contour[i + 1]).toBeGreaterThanOrEqual(0);
            expect(contour[i + 1]).toBeLessThanOrEqual(height);
            const j = (i + 2) % contour.length;
            // Marching squares never crosses more than one cell at a step: anything longer is a contour left open.
            expect(Math.hypot(contour[j]! - contour[i]!, contour[j + 1]! - contour[i + 1]!)).toBeLessThanOrEqual(1.5);
          }
        }
      },
    ),
  );
});
