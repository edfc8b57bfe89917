/** The model that ships, through the segmenter that ships. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differenceToPyTorch } from '../../test/fixtures/golden-vectors.ts';
import { type Model, readModel } from './manifest.ts';
import { allocateModelInput } from './model-input.ts';
import { type OrtSegmenter, startOrtSegmenter } from './ort-segmenter.ts';
import type { ExecutionProvider } from './providers.ts';
import type { ModelInput, ModelOutput, SegmentReply } from './segmenter.ts';
import { DEFAULT_MODEL } from './shipped-models.ts';

/** Largest difference allowed between two runs of the same frame in different batches, in logits. */
const SAME_FRAME = 1e-5;
/** Largest difference allowed to PyTorch, in logits. */
const PARITY = 1e-4;

let model: Model;
let segmenter: OrtSegmenter;

const start = (executionProviders: readonly ExecutionProvider[]): Promise<OrtSegmenter> =>
  startOrtSegmenter({
    model,
    executionProviders,
    inferenceWorkers: 1,
    intraOpThreads: 1,
    observer: { batch() {}, dropped() {}, failed() {}, queueDepth() {}, threadCrashed() {} },
  });

beforeAll(async () => {
  model = await readModel(DEFAULT_MODEL);
  segmenter = await start(['cpu']);
});
afterAll(() => segmenter?.close());

const segment = (sessionId: string, inputs: readonly ModelInput[]): Promise<SegmentReply> =>
  segmenter.segment({ sessionId, inputs, deadlineMs: Number.POSITIVE_INFINITY });

/** A picture and a sound that differ from frame to frame. */
function frame(index: number): ModelInput {
  const input = allocateModelInput(model.manifest);
  const { width } = model.manifest.inputs.image;
  for (let i = 0; i < input.image.length; i++) {
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    const disc = (x - 40 - 20 * index) ** 2 + (y - 90) ** 2 < 900;
    input.image[i] = disc ? 220 - 60 * (i % 3) : (x + y + 31 * index) % 160;
  }
  for (let i = 0; i < input.earlier.length; i++) input.earlier[i] = (7 * i + 13 * index) % 251;
  const { bands } = model.manifest.inputs.logMel;
  for (let i = 0; i < input.logMel.length; i++) {
    input.logMel[i] = 2 * Math.sin((i % bands) / (3 + index)) + Math.cos(Math.floor(i / bands) / 5 + index) - 2;
  }
  return input;
}

function worstDifference(a: ModelOutput, b: ModelOutput): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}

describe('the live model', () => {
  it('runs with CUDA, or says why not and runs on the CPU', async () => {
    const preferred = await start(['cuda', 'cpu']);
    const reasons = preferred.passedOver.map(({ provider, reason }) => `${provider}: ${reason}`);
    await preferred.close();
    if (preferred.executionProvider === 'cuda') expect(reasons).toEqual([]);
    else expect(reasons).toEqual([expect.stringMatching(/^cuda: .+/)]);
  });

  it('reproduces the golden vectors of PyTorch', async () => {
    expect(await differenceToPyTorch(segmenter, model)).toBeLessThanOrEqual(PARITY);
  });

  it('gives a sliding window that reuses older frames what it gives whole windows', async () => {
    const length = model.manifest.windowLength;
    const frames = Array.from({ length: length + 3 }, (_, i) => frame(i));
    for (const newest of frames) await segment('sliding', [newest]);
    const reused = frames.map(({ logits }) => logits.slice());
    // Something to compare: frames that look and sound different get different logits.
    expect(worstDifference(reused[0]!, reused[1]!)).toBeGreaterThan(100 * SAME_FRAME);
    for (let end = length; end <= frames.length; end++) {
      const window = frames.slice(end - length, end);
      for (const { logits } of window) logits.fill(Number.NaN);
      await expect(segment('whole', window)).resolves.toMatchObject({ kind: 'logits', batchSize: length });
      for (const [i, { logits }] of window.entries()) {
        expect(worstDifference(logits, reused[end - length + i]!)).toBeLessThanOrEqual(SAME_FRAME);
      }
    }
  });

  it('gives sessions that share a batch what each gets alone', async () => {
    const frames = Array.from({ length: 5 }, (_, i) => frame(10 + i));
    for (const input of frames) await segment('alone', [input]);
    const alone = frames.map(({ logits }) => logits.slice());
    for (const { logits } of frames) logits.fill(Number.NaN);
    const replies = await Promise.all(frames.map((input, i) => segment(`s${i}`, [input])));
    expect(replies.some((reply) => reply.kind === 'logits' && reply.batchSize > 1)).toBe(true);
    for (const [i, { logits }] of frames.entries()) {
      expect(worstDifference(logits, alone[i]!)).toBeLessThanOrEqual(SAME_FRAME);
    }
  });
});
