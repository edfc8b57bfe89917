import { describe, expect, it } from 'vitest';
import { type I420Picture, paintMasks } from './mask-paint.ts';

const [WIDTH, HEIGHT] = [40, 20];
/** Longer than the picture, as FFmpeg's rows are. */
const PAD = 8;

function grey(): I420Picture {
  const plane = (width: number, height: number) => new Uint8Array((width + PAD) * height).fill(100);
  return {
    width: WIDTH,
    height: HEIGHT,
    planes: [plane(WIDTH, HEIGHT), plane(WIDTH / 2, HEIGHT / 2), plane(WIDTH / 2, HEIGHT / 2)],
    strides: [WIDTH + PAD, WIDTH / 2 + PAD, WIDTH / 2 + PAD],
  };
}

/** The left half lit, at a quarter of the picture's size. */
const leftHalf = (classIndex: number) => ({
  mask: Uint8Array.from({ length: 50 }, (_, i) => (i % 10 < 5 ? 1 : 0)),
  width: 10,
  height: 5,
  classIndex,
});

const luma = ({ planes, strides }: I420Picture, x: number, y: number) => planes[0][y * strides[0] + x]!;
const chroma = ({ planes, strides }: I420Picture, x: number, y: number) =>
  [1, 2].map((plane) => planes[plane]![(y >> 1) * strides[plane]! + (x >> 1)]!);

describe('paintMasks', () => {
  it('tints what is lit, draws its edge, and leaves every other bit as it was', () => {
    const picture = grey();
    paintMasks(picture, [leftHalf(0)]);
    // 55 % of the way from grey to #ffc83d.
    expect([luma(picture, 4, 10), ...chroma(picture, 4, 10)]).toEqual([148, 77, 134]);
    expect([luma(picture, 20, 10), ...chroma(picture, 20, 10)]).toEqual([188, 59, 162]);
    for (let x = 24; x < WIDTH + PAD; x++) expect(luma(picture, x, 10)).toBe(100);
    const right = Array.from({ length: HEIGHT }, (_, y) => chroma(picture, 30, y)).flat();
    expect(new Set(right)).toEqual(new Set([100]));
    expect(luma(picture, 0, 0)).toBe(luma(picture, 0, HEIGHT - 1));
  });

  it('gives each class a hue of its own, and the first after the background that of the only one', () => {
    const [only, first, second] = [0, 1, 2].map((classIndex) => {
      const picture = grey();
      paintMasks(picture, [leftHalf(classIndex)]);
      return chroma(picture, 20, 10);
    });
    expect(first).toEqual(only);
    expect(second).not.toEqual(first);
  });
});
