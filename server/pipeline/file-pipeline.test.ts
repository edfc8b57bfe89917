import { describe, expect, it } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import type { Picture } from '../media/media-file.ts';
import { FilePipeline } from './file-pipeline.ts';

/** 30 frames a second, each of one grey that is its number. */
class GreyPicture implements Picture {
  readonly width = 64;
  readonly height = 48;
  readonly presentationTimeMs: number;
  readonly rtpTimestamp: number;
  readonly #index: number;
  closed = 0;

  constructor(index: number) {
    this.#index = index;
    this.rtpTimestamp = index * 3000;
    this.presentationTimeMs = this.rtpTimestamp / 90;
  }

  async scaleTo(rgb: Uint8Array): Promise<void> {
    rgb.fill(this.#index);
  }

  lumaTo(luma: Uint8Array): void {
    luma.fill(this.#index);
  }

  close(): void {
    this.closed++;
  }
}

const PIECE = new Float32Array(4800).fill(0.5);

const never = (reason: string) => new Error(reason);

describe('FilePipeline', () => {
  it('answers every frame that is due, however slow the model, and closes every one', async () => {
    const segmenter = new FakeSegmenter(tinyManifest(), async ({ inputs }) => {
      for (const { logits } of inputs) logits.fill(1);
      await new Promise(setImmediate);
      return IMMEDIATE_LOGITS;
    });
    const pipeline = new FilePipeline(segmenter, 10, never);
    const pictures = Array.from({ length: 90 }, (_, i) => new GreyPicture(i));
    const answered: number[] = [];
    for (let position = 0; position < 3 * 48_000; position += PIECE.length) {
      pipeline.hear({ position, samples: PIECE });
      while (pictures[0] && pipeline.hasHeard(pictures[0].presentationTimeMs)) {
        const picture = pictures.shift()!;
        const mask = await pipeline.segment(picture);
        expect(picture.closed).toBe(1);
        if (mask) answered.push(mask.message.rtpTimestamp / 3000);
      }
    }
    expect(answered).toEqual(Array.from({ length: answered.length }, (_, i) => 3 * i));
    expect(answered.length).toBeGreaterThanOrEqual(29);
    // At the very beginning there is nothing to hear.
    expect(segmenter.requests).toHaveLength(answered.length - 1);
  });

  it('takes what was never heard for silence, and waits for none of it', async () => {
    const segmenter = new FakeSegmenter(tinyManifest(), () => IMMEDIATE_LOGITS);
    const mask = await new FilePipeline(segmenter, 10, never).segment(new GreyPicture(0));
    expect(mask).toMatchObject({ message: { gated: true, classes: [] }, levelDbfs: Number.NEGATIVE_INFINITY });
    expect(segmenter.requests).toHaveLength(0);
  });

  it('fails when a mask that is due will not come', async () => {
    const segmenter = new FakeSegmenter(tinyManifest(), () => {
      throw new Error('the model has a hole');
    });
    const pipeline = new FilePipeline(segmenter, 10, (reason) => new Error(`no mask: ${reason}`));
    for (let position = 0; position < 48_000; position += PIECE.length) pipeline.hear({ position, samples: PIECE });
    await expect(pipeline.segment(new GreyPicture(20))).rejects.toThrow('no mask: inference-failed');
  });
});
