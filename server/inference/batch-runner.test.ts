import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { BatchRunner } from './batch-runner.ts';
import { allocateModelInput, frameSizes } from './model-input.ts';
import { paddedBatch } from './providers.ts';

const manifest = tinyManifest({ motion: true });
const sizes = frameSizes(manifest);

/** Logits of a frame: its first pixel, its last log-mel value and its last earlier pixel, and the pixel's place in the plane. */
function runner(rows: number[]): BatchRunner {
  return new BatchRunner({
    manifest,
    maxFrames: 6,
    padded: (frames) => paddedBatch('tensorrt', frames),
    run: async ({ frames, image, logMel, earlier, logits }) => {
      rows.push(frames);
      expect(image.length).toBe(frames * sizes.image);
      expect(logMel.length).toBe(frames * sizes.logMel);
      expect(earlier.length).toBe(frames * sizes.earlier);
      expect(logits.length).toBe(frames * sizes.logits);
      for (let i = 0; i < logits.length; i++) {
        const frame = Math.floor(i / sizes.logits);
        const before = earlier[(frame + 1) * sizes.earlier - 1]!;
        const heard = logMel[(frame + 1) * sizes.logMel - 1]!;
        logits[i] = image[frame * sizes.image]! + heard + before + (i % sizes.logits);
      }
    },
  });
}

describe('BatchRunner', () => {
  it('gives each frame its own logits, in batches of any size, padded or not', async () => {
    const pixels = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 6 });
    const property = async (batches: number[][]): Promise<void> => {
      const rows: number[] = [];
      const batchRunner = runner(rows);
      for (const batch of batches) {
        const inputs = batch.map((pixel, i) => {
          const input = allocateModelInput(manifest);
          input.image.fill(pixel);
          input.logMel.fill(i / 2);
          input.earlier.fill(30 * i);
          return input;
        });
        await batchRunner.run(inputs);
        for (const [i, { logits }] of inputs.entries()) {
          expect(logits.every((logit, at) => logit === batch[i]! + i / 2 + 30 * i + at)).toBe(true);
        }
      }
      expect(rows).toEqual(batches.map(({ length }) => [1, 2, 4, 4, 8, 8][length - 1]));
    };
    await fc.assert(fc.asyncProperty(fc.array(pixels, { minLength: 1, maxLength: 6 }), property));
  });
});
