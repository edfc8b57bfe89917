import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OrtSegmenters, request } from '../../test/fixtures/ort-segmenters.ts';
import { release, SCRIPT } from '../../test/fixtures/scripted-ort-worker.ts';
import { POISON_PIXEL, tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { allocateModelInput } from './model-input.ts';
import type { ModelInput } from './segmenter.ts';

let ort: OrtSegmenters;
beforeAll(async () => {
  ort = await OrtSegmenters.create();
});
afterEach(() => ort.close());
afterAll(() => ort.remove());

describe('OrtSegmenter with ONNX Runtime', () => {
  it('writes logits into the memory of every frame of every session', async () => {
    const segmenter = await ort.start();
    expect(segmenter).toMatchObject({ executionProvider: 'cpu', ready: true });
    const frames = [10, 20, 30, 40, 50, 60].map((pixel) => ort.frame(pixel, -pixel / 4));
    const replies = await Promise.all(frames.map((input, i) => segmenter.segment(request(`s${i}`, input))));
    for (const [i, { logits }] of frames.entries()) expect(logits.every((logit) => logit === (i + 1) * 7.5)).toBe(true);
    // The first finds the thread idle and goes alone; the others fill batches of two.
    expect(replies.map((reply) => reply.kind === 'logits' && reply.batchSize)).toEqual([1, 2, 2, 2, 2, 1]);
    expect(ort.events).toEqual(['batch 1', 'batch 2', 'batch 2', 'batch 1']);
  });

  it('fills the runs of a model that takes four frames, no more and no less', async () => {
    const fixed = await ort.modelOf('fixed', { batch: 4 });
    const segmenter = await ort.start({ model: fixed });
    const frames = [10, 20, 30, 40, 50, 60].map((pixel) => ort.frame(pixel));
    const replies = await Promise.all(frames.map((input, i) => segmenter.segment(request(`s${i}`, input))));
    for (const [i, { logits }] of frames.entries()) expect(logits.every((logit) => logit === (i + 1) * 10)).toBe(true);
    expect(replies.map((reply) => reply.kind === 'logits' && reply.batchSize)).toEqual([1, 4, 4, 4, 4, 1]);
    const window = [1, 2, 3, 4, 5].map((pixel) => ort.frame(pixel));
    await segmenter.segment(request('whole', ...window));
    expect(window.map(({ logits }) => logits[0])).toEqual([1, 2, 3, 4, 5]);
    const { batch: _, ...free } = fixed.manifest;
    await expect(ort.start({ model: { ...fixed, manifest: free } })).rejects.toMatchObject({
      detail: 'tiny.onnx: image: expected uint8 [N, 8, 8, 3] with N free, found uint8 [4, 8, 8, 3]',
    });
  });

  it('writes the masks of a model that decides itself', async () => {
    const deciding = await ort.modelOf('mask', { mask: true });
    const segmenter = await ort.start({ model: deciding });
    const [lit, dark] = [allocateModelInput(deciding.manifest), allocateModelInput(deciding.manifest)];
    lit.image.fill(9);
    dark.image.fill(9);
    dark.logMel.fill(-10);
    await segmenter.segment(request('a', lit, dark));
    expect(lit.logits).toBeInstanceOf(Uint8Array);
    expect([lit.logits.every((value) => value === 1), dark.logits.every((value) => value === 0)]).toEqual([true, true]);
  });

  it('gives a model that sees motion the earlier frames of each frame', async () => {
    const moving = await ort.modelOf('motion', { motion: true });
    const segmenter = await ort.start({ model: moving });
    const frames = [10, 20, 30].map((pixel, i) => {
      const input = allocateModelInput(moving.manifest);
      input.image.fill(100);
      input.earlier.fill(pixel, 0, 64).fill(pixel + 2 * i, 64);
      return input;
    });
    await segmenter.segment(request('a', ...frames));
    expect(frames.map(({ logits }) => [logits[0], logits[63]])).toEqual([
      [90, 90],
      [79, 79],
      [68, 68],
    ]);
    const bare = { ...frames[0]!, earlier: new Uint8Array(new SharedArrayBuffer(64)) };
    await expect(segmenter.segment(request('b', bare))).rejects.toMatchObject({
      detail: 'earlier: expected 128 elements, found 64',
    });
    const { earlier, ...still } = moving.manifest.inputs;
    const taller = { ...still, earlier: { ...earlier!, agesMs: [80, 160, 240] } };
    await expect(
      ort.start({ model: { ...moving, manifest: { ...moving.manifest, inputs: taller } } }),
    ).rejects.toMatchObject({
      detail: 'tiny.onnx: earlier: expected uint8 [N, 3, 8, 8] with N free, found uint8 [N, 2, 8, 8]',
    });
  });

  it('tells a model that sees close-ups what the last one looked like, and what a new one looks like', async () => {
    const closer = await ort.modelOf('close-ups', { closeUps: true });
    const segmenter = await ort.start({ model: closer });
    const [first, second] = [10, 20].map((pixel) => {
      const input = allocateModelInput(closer.manifest);
      input.image.fill(pixel);
      return input;
    }) as [ModelInput, ModelInput];
    first.hasCloseUp = true;
    first.closeUp.fill(6).fill(9, 0, 8 * 16 * 3);
    await segmenter.segment(request('a', first, second));
    expect([first.logits[0], second.logits[0]]).toEqual([10, 20]);
    expect([first.looks.every((look) => look === 7.5), second.looks.every(Number.isNaN)]).toEqual([true, true]);
    second.looks.set(first.looks);
    await segmenter.segment(request('a', second));
    expect([second.logits[0], second.looks[0]]).toEqual([27.5, 7.5]);
    const { closeUp } = closer.manifest.inputs;
    const more = { ...closer.manifest.inputs, closeUp: { ...closeUp!, looks: { ...closeUp!.looks, kinds: 4 } } };
    await expect(
      ort.start({ model: { ...closer, manifest: { ...closer.manifest, inputs: more } } }),
    ).rejects.toMatchObject({
      detail: 'tiny.onnx: looks: expected float32 [N, 16, 4] with N free, found float32 [N, 16, 3]',
    });
  });

  it('takes any number of close-ups with a batch of four', async () => {
    const closer = await ort.modelOf('fixed-close-ups', { closeUps: true, batch: 4 });
    const segmenter = await ort.start({ model: closer });
    const input = allocateModelInput(closer.manifest);
    input.hasCloseUp = true;
    input.closeUp.fill(3);
    await segmenter.segment(request('a', input));
    expect(input.looks.every((look) => look === 3)).toBe(true);
  });

  it('passes over the providers that this machine lacks, each with its reason', async () => {
    const segmenter = await ort.start({ executionProviders: ['coreml', 'cpu'] });
    expect(segmenter.executionProvider).toBe('cpu');
    expect(segmenter.passedOver).toEqual([
      { provider: 'coreml', reason: expect.stringMatching(/^not in this build of ONNX Runtime, which has cpu/) },
    ]);
  });

  it('refuses to start when no provider takes the model', async () => {
    await expect(ort.start({ executionProviders: ['coreml'] })).rejects.toMatchObject({
      code: 'provider-unavailable',
      detail: expect.stringMatching(/^coreml: not in this build/),
    });
  });

  it('refuses a graph that is not what its manifest says', async () => {
    const wrong = structuredClone(ort.model.manifest);
    wrong.inputs.image.height = 16;
    await expect(ort.start({ model: { ...ort.model, manifest: wrong } })).rejects.toMatchObject({
      code: 'model-manifest-invalid',
      detail: 'tiny.onnx: image: expected uint8 [N, 16, 8, 3] with N free, found uint8 [N, 8, 8, 3]',
    });
  });

  it('refuses a file that is not a model', async () => {
    const file = join(ort.folder, 'garbage.onnx');
    await writeFile(file, 'not a protocol buffer');
    await expect(ort.start({ model: { ...ort.model, file } })).rejects.toMatchObject({ code: 'provider-unavailable' });
  });

  it('fails the batch on which the model fails, and goes on', async () => {
    const segmenter = await ort.start();
    await expect(segmenter.segment(request('a', ort.frame(POISON_PIXEL)))).rejects.toMatchObject({
      code: 'inference-failed',
      detail: expect.stringMatching(/Gather/),
    });
    const good = ort.frame(3);
    await expect(segmenter.segment(request('a', good))).resolves.toMatchObject({ kind: 'logits', batchSize: 1 });
    expect(good.logits[0]).toBe(3);
    expect(ort.events).toEqual(['failed 1', 'batch 1']);
  });

  it('leaves no thread behind', async () => {
    const workers: Worker[] = [];
    const collect = (worker: Worker): unknown => workers.push(worker);
    process.on('worker', collect);
    const segmenter = await ort.start({ inferenceWorkers: 2 });
    process.off('worker', collect);
    expect(workers.map(({ threadId }) => threadId > 0)).toEqual([true, true]);
    await Promise.all([segmenter.close(), segmenter.close()]);
    // Node's thread id of a worker that has ended.
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    await expect(segmenter.segment(request('a', ort.frame(1)))).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
    expect(segmenter.ready).toBe(false);
  });

  it.runIf(process.platform === 'linux')('leaves the cores to other threads first', async () => {
    const nicenesses = async () => {
      const threads = await readdir('/proc/self/task');
      const stats = await Promise.all(
        threads.map((id) => readFile(`/proc/self/task/${id}/stat`, 'utf8').catch(() => '')),
      );
      // Field 19 of proc(5), counted after the name, which may contain blanks.
      return stats.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
    };
    const niced = async () => (await nicenesses()).filter((niceness) => niceness === 10).length;
    const before = await niced();
    await ort.start({ inferenceWorkers: 2 });
    expect(await niced()).toBeGreaterThanOrEqual(before + 2);
    expect(await nicenesses()).toContain(0);
  });
});

describe('OrtSegmenter, its requests', () => {
  it.each([
    ['no frame', () => [], 'a request holds 1 to 5 frames, this one 0'],
    [
      'more than a window',
      () => Array.from({ length: 6 }, () => ort.frame(1)),
      'a request holds 1 to 5 frames, this one 6',
    ],
    [
      'a wrong size',
      () => [{ ...ort.frame(1), logMel: new Float32Array(new SharedArrayBuffer(4)) }],
      'logMel: expected 6144 elements, found 1',
    ],
    [
      'private memory',
      () => [{ ...ort.frame(1), image: new Uint8Array(192) }],
      'image: must be in shared memory, see allocateModelInput',
    ],
  ])('refuses %s without running it', async (_, inputs, detail) => {
    const segmenter = await ort.startScripted();
    await expect(segmenter.segment(request('a', ...inputs()))).rejects.toMatchObject({
      code: 'inference-failed',
      detail,
    });
    expect(ort.events).toEqual([]);
  });

  it('runs the newest of each session once the thread is free, and says how long it waited', async () => {
    const segmenter = await ort.startScripted();
    const held = ort.frame(SCRIPT.hold);
    const first = segmenter.segment(request('a', held));
    const older = segmenter.segment(request('a', ort.frame(SCRIPT.answer)));
    const newest = ort.frame(SCRIPT.answer);
    ort.nowMs += 10;
    const newer = segmenter.segment(request('a', newest));
    const other = segmenter.segment(request('b', ort.frame(SCRIPT.answer)));
    await expect(older).resolves.toEqual({ kind: 'dropped', reason: 'superseded' });
    ort.nowMs += 30;
    release(held);
    await expect(first).resolves.toEqual({ kind: 'logits', queueMs: 0, inferenceMs: 1, batchSize: 1 });
    await expect(newer).resolves.toEqual({ kind: 'logits', queueMs: 30, inferenceMs: 1, batchSize: 2 });
    await expect(other).resolves.toMatchObject({ kind: 'logits', batchSize: 2 });
    expect(newest.logits[0]).toBe(2);
    expect(ort.events).toEqual(['dropped superseded', 'batch 1', 'batch 2']);
  });

  it('drops what is past its deadline when its turn comes, and a session that left', async () => {
    const segmenter = await ort.startScripted();
    const held = ort.frame(SCRIPT.hold);
    const running = segmenter.segment(request('a', held));
    const late = segmenter.segment({ ...request('b', ort.frame(SCRIPT.answer)), deadlineMs: ort.nowMs + 50 });
    const gone = segmenter.segment(request('c', ort.frame(SCRIPT.answer)));
    segmenter.leave('c');
    await expect(gone).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
    ort.nowMs += 51;
    release(held);
    await expect(running).resolves.toMatchObject({ kind: 'logits' });
    await expect(late).resolves.toEqual({ kind: 'dropped', reason: 'deadline' });
  });

  it('runs batches in as many threads as it has', async () => {
    const segmenter = await ort.startScripted({ inferenceWorkers: 2 });
    const held = [ort.frame(SCRIPT.hold), ort.frame(SCRIPT.hold)];
    const running = held.map((input, i) => segmenter.segment(request(`s${i}`, input)));
    release(held[1]!);
    await expect(running[1]).resolves.toMatchObject({ kind: 'logits', batchSize: 1 });
    await expect(segmenter.segment(request('s2', ort.frame(SCRIPT.answer)))).resolves.toMatchObject({ kind: 'logits' });
    release(held[0]!);
    await expect(running[0]).resolves.toMatchObject({ kind: 'logits' });
  });

  it('keeps the requests apart for a model that mixes the frames of a window', async () => {
    const segmenter = await ort.startScripted({
      model: { ...ort.model, manifest: { ...tinyManifest(), temporal: true } },
    });
    const held = ort.frame(SCRIPT.hold);
    const first = segmenter.segment(request('a', held));
    const windows = ['b', 'c'].map((session) =>
      segmenter.segment(request(session, ...Array.from({ length: 5 }, () => ort.frame(SCRIPT.answer)))),
    );
    release(held);
    await first;
    for (const window of windows) await expect(window).resolves.toMatchObject({ kind: 'logits', batchSize: 5 });
    expect(ort.events).toEqual(['batch 1', 'batch 5', 'batch 5']);
  });

  it('drops what waits and finishes what runs when it closes', async () => {
    const segmenter = await ort.startScripted();
    const held = ort.frame(SCRIPT.hold);
    const running = segmenter.segment(request('a', held));
    const waiting = segmenter.segment(request('b', ort.frame(SCRIPT.answer)));
    const closed = segmenter.close();
    await expect(waiting).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
    release(held);
    await expect(running).resolves.toMatchObject({ kind: 'logits' });
    await closed;
  });
});
