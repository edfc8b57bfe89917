import { describe, expect, it } from 'vitest';
import { decodeMask, encodeMask, MAX_MASK_MESSAGE_BYTES, paintClassMask } from '../../shared/mask-codec.ts';
import { decodeRuns } from '../../shared/rle.ts';
import { MaskEncoder } from './mask-encoder.ts';

const REST = {
  sequence: 0,
  rtpTimestamp: 0,
  captureTimeMs: undefined,
  frameWidth: 640,
  frameHeight: 480,
  skewMs: 0,
  gated: false,
  stagesMs: { decode: 0, pair: 0, queue: 0, inference: 0, encode: 0 },
};

describe('MaskEncoder', () => {
  it('lights the pixels whose probability is above the threshold', () => {
    const encoder = new MaskEncoder(1, 2, 2, 0.75, 1000);
    const logitOf = (p: number) => Math.log(p / (1 - p));
    const { classes } = encoder.encode(Float32Array.of(logitOf(0.74), logitOf(0.76), -9, 9));
    const message = decodeMask(encodeMask({ ...REST, width: 2, height: 2, reduced: false, classes }));
    const mask = new Uint8Array(4);
    paintClassMask(message, message.classes[0]!, mask);
    expect([...mask]).toEqual([0, 1, 0, 1]);
  });

  it('takes the likeliest of several classes and leaves the background out', () => {
    const encoder = new MaskEncoder(3, 2, 1, 0.5, 1000);
    // class-major [K, H, W]: pixel 0 is background, pixel 1 is class 2
    const { classes } = encoder.encode(Float32Array.of(5, 0, 1, 1, 2, 3));
    expect(classes).toEqual([{ classIndex: 2, runs: [1, 1] }]);
  });

  it('finds the class of each pixel as looking at one pixel after the other does', () => {
    const [classCount, pixels] = [71, 12];
    const logits = Float32Array.from({ length: classCount * pixels }, (_, i) => Math.sin(i * i));
    const { classes } = new MaskEncoder(classCount, pixels, 1, 0.5, 10_000).encode(logits);
    const labels = Array.from({ length: pixels }, (_, i) => {
      const scores = Array.from({ length: classCount }, (_, k) => logits[k * pixels + i]!);
      return scores.indexOf(Math.max(...scores));
    });
    expect(classes.map(({ classIndex }) => classIndex)).toEqual(
      [...new Set(labels)].filter((label) => label > 0).sort((a, b) => a - b),
    );
    for (const { classIndex, runs } of classes) {
      const mask = new Uint8Array(pixels);
      decodeRuns(runs, pixels, 1, mask);
      expect([...mask]).toEqual(labels.map((label) => (label === classIndex ? 1 : 0)));
    }
  });

  it('takes a mask as the model decided it', () => {
    const several = new MaskEncoder(3, 2, 2, 0.5, 1000);
    expect(several.encode(Uint8Array.of(0, 2, 1, 2)).classes).toEqual([
      { classIndex: 1, runs: [1, 1, 2] },
      { classIndex: 2, runs: [2, 2] },
    ]);
    const one = new MaskEncoder(1, 2, 2, 0.5, 1000);
    expect(one.encode(Uint8Array.of(0, 1, 0, 0)).classes).toEqual([{ classIndex: 0, runs: [2, 1, 1] }]);
  });

  it('sends no class at all when nothing is lit', () => {
    const encoder = new MaskEncoder(1, 8, 8, 0.5, 1000);
    expect(encoder.encode(new Float32Array(64).fill(-1)).classes).toEqual([]);
    expect(encoder.empty()).toEqual({ width: 8, height: 8, classes: [], reduced: false });
  });

  it('halves the mask until the worst case fits its message', () => {
    const side = 192;
    const encoder = new MaskEncoder(1, side, side, 0.5, MAX_MASK_MESSAGE_BYTES);
    const checkerboard = new Float32Array(side * side).map((_, i) =>
      ((i % side) + Math.floor(i / side)) % 2 ? 1 : -1,
    );
    // A checkerboard halves to a uniform mask at once; noise does not.
    const noise = new Float32Array(side * side).map(
      (_, i) => ((Math.imul(i, 0x9e3779b1) >>> 15) & 1 ? 1 : -1) * ((i / side) & 1 ? -1 : 1),
    );
    for (const logits of [checkerboard, noise]) {
      const encoded = encoder.encode(logits);
      const bytes = encodeMask({ ...REST, ...encoded });
      expect(bytes.length).toBeLessThanOrEqual(MAX_MASK_MESSAGE_BYTES);
      expect(encoded.reduced).toBe(true);
      expect(encoded.width).toBeLessThan(side);
    }
  });
});
