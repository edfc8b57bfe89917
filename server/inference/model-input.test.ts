import { describe, expect, it } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { allocateModelInput, frameSizes } from './model-input.ts';

describe('allocateModelInput', () => {
  it('gives one frame of shared memory, no part over another', () => {
    const manifest = { ...tinyManifest({ motion: true, closeUps: true }), classes: ['voice', 'music', 'other'] };
    const sizes = {
      image: 8 * 8 * 3,
      logMel: 96 * 64,
      earlier: 2 * 8 * 8,
      closeUp: 16 * 16 * 3,
      looks: 16 * 3,
      logits: 3 * 8 * 8,
    };
    expect(frameSizes(manifest)).toEqual(sizes);
    const { hasCloseUp, ...tensors } = allocateModelInput(manifest);
    expect([hasCloseUp, tensors.looks.every(Number.isNaN)]).toEqual([false, true]);
    const filled = Object.entries(tensors).map(([name, tensor], i) => [name, tensor.fill(i + 1)] as const);
    for (const [i, [name, tensor]] of filled.entries()) {
      expect(tensor.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(tensor).toHaveLength(sizes[name as keyof typeof sizes]);
      expect(tensor.every((value) => value === i + 1)).toBe(true);
    }
  });

  it('has nothing for the earlier frames and close-ups of a model that sees none', () => {
    const { earlier, closeUp, looks } = allocateModelInput(tinyManifest());
    expect([earlier, closeUp, looks].map(({ length }) => length)).toEqual([0, 0, 0]);
  });
});
