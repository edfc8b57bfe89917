import { describe, expect, it } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { allocateModelInput, frameSizes } from './model-input.ts';

describe('allocateModelInput', () => {
  it('gives one frame of shared memory, no part over another', () => {
    const manifest = { ...tinyManifest({ motion: true }), classes: ['voice', 'music', 'other'] };
    const sizes = { image: 8 * 8 * 3, logMel: 96 * 64, earlier: 2 * 8 * 8, logits: 3 * 8 * 8 };
    expect(frameSizes(manifest)).toEqual(sizes);
    const { image, logMel, earlier, logits } = allocateModelInput(manifest);
    for (const { buffer } of [image, logMel, earlier, logits]) expect(buffer).toBeInstanceOf(SharedArrayBuffer);
    image.fill(7);
    logMel.fill(0.5);
    earlier.fill(9);
    logits.fill(-2);
    const lengths = { image: image.length, logMel: logMel.length, earlier: earlier.length, logits: logits.length };
    expect(lengths).toEqual(sizes);
    expect(image.every((value) => value === 7)).toBe(true);
    expect(logMel.every((value) => value === 0.5)).toBe(true);
    expect(earlier.every((value) => value === 9)).toBe(true);
    expect(logits.every((value) => value === -2)).toBe(true);
  });

  it('has nothing for the earlier frames of a model that sees none', () => {
    expect(allocateModelInput(tinyManifest()).earlier).toHaveLength(0);
  });
});
