import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { BatchRunner } from './batch-runner.ts';
import { allocateModelInput, frameSizes } from './model-input.ts';
import { paddedBatch } from './providers.ts';

const manifest = tinyManifest({ motion: true, closeUps: true });
const sizes = frameSizes(manifest);

/**
 * Logits of a frame: its first pixel, its last log-mel value, its last earlier pixel and its first look, and the pixel's place in
 * the plane. A close-up looks like its last pixel.
 */
function runner(rows: number[]): BatchRunner {
  return new BatchRunner({
    manifest,
    maxFrames: 6,
    padded: (frames) => paddedBatch('tensorrt', frames),
    run: async ({ frames, image, logMel, earlier, looks, closeUps, closeUp, looked, logits }) => {
      rows.push(frames);
      expect(image.length).toBe(frames * sizes.image);
      expect(logMel.length).toBe(frames * sizes.logMel);
      expect(earlier.length).toBe(frames * sizes.earlier);
      expect(looks.length).toBe(frames * sizes.looks);
      expect([closeUp.length, looked.length]).toEqual([closeUps * sizes.closeUp, closeUps * sizes.looks]);
      expect(logits.length).toBe(frames * sizes.logits);
      for (let i = 0; i < closeUps; i++) {
        looked.fill(closeUp[(i + 1) * sizes.closeUp - 1]!, i * sizes.looks, (i + 1) * sizes.looks);
      }
      for (let i = 0; i < logits.length; i++) {
        const frame = Math.floor(i / sizes.logits);
        const before = earlier[(frame + 1) * sizes.earlier - 1]!;
        const heard = logMel[(frame + 1) * sizes.logMel - 1]!;
        logits[i] = image[frame * sizes.image]! + heard + before + looks[frame * sizes.looks]! + (i % sizes.logits);
      }
    },
  });
}

describe('BatchRunner', () => {
  it('gives each frame its own logits, and each close-up what it looks like, in batches of any size, padded or not', async () => {
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
          input.looks.fill(i / 4);
          input.closeUp.fill(pixel);
          input.hasCloseUp = pixel % 2 === 1;
          return input;
        });
        await batchRunner.run(inputs);
        for (const [i, { logits, looks, hasCloseUp }] of inputs.entries()) {
          expect(logits.every((logit, at) => logit === batch[i]! + i / 2 + 30 * i + i / 4 + at)).toBe(true);
          expect(looks.every((look) => look === (hasCloseUp ? batch[i]! : i / 4))).toBe(true);
        }
      }
      expect(rows).toEqual(batches.map(({ length }) => [1, 2, 4, 4, 8, 8][length - 1]));
    };
    await fc.assert(fc.asyncProperty(fc.array(pixels, { minLength: 1, maxLength: 6 }), property));
  });
});
