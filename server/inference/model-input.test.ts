import { describe, expect, it } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { allocateModelInput, frameSizes } from './model-input.ts';

describe('allocateModelInput', () => {
  it('gives one frame of shared memory, no part over another', () => {
    const manifest = { ...tinyManifest(), classes: ['voice', 'music', 'other'] };
    expect(frameSizes(manifest)).toEqual({ image: 8 * 8 * 3, logMel: 96 * 64, logits: 3 * 8 * 8 });
    const { image, logMel, logits } = allocateModelInput(manifest);
    for (const { buffer } of [image, logMel, logits]) expect(buffer).toBeInstanceOf(SharedArrayBuffer);
    image.fill(7);
    logMel.fill(0.5);
    logits.fill(-2);
    expect([image.length, logMel.length, logits.length]).toEqual([192, 6144, 192]);
    expect(image.every((value) => value === 7)).toBe(true);
    expect(logMel.every((value) => value === 0.5)).toBe(true);
    expect(logits.every((value) => value === -2)).toBe(true);
  });
});
