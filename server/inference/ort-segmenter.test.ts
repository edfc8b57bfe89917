import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { release, SCRIPT } from '../../test/fixtures/scripted-ort-worker.ts';
import { POISON_PIXEL, type TinyModelOptions, tinyManifest, writeTinyModel } from '../../test/fixtures/tiny-model.ts';
import { type Model, readModel } from './manifest.ts';
import { allocateModelInput } from './model-input.ts';
import { type OrtSegmenter, type OrtSegmenterOptions, startOrtSegmenter } from './ort-segmenter.ts';
import { MAX_RESTARTS, RESTART_WINDOW_MS } from './ort-thread.ts';
import type { ModelInput, SegmentRequest } from './segmenter.ts';

let folder: string;
let model: Model;
let events: string[];
let nowMs: number;
const segmenters: OrtSegmenter[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-ort-'));
  await writeTinyModel(folder);
  model = await readModel(folder);
});
afterEach(async () => {
  await Promise.all(segmenters.splice(0).map((segmenter) => segmenter.close()));
});
afterAll(() => rm(folder, { recursive: true }));

async function modelOf(name: string, options: TinyModelOptions): Promise<Model> {
  await writeTinyModel(join(folder, name), options);
  return readModel(join(folder, name));
}

async function start(options: Partial<OrtSegmenterOptions> = {}): Promise<OrtSegmenter> {
  events = [];
  nowMs = 1_000;
  const segmenter = await startOrtSegmenter({
    model,
    executionProviders: ['cpu'],
    inferenceWorkers: 1,
    intraOpThreads: 1,
    nowMs: () => nowMs,
    observer: {
      batch: (frames) => events.push(`batch ${frames}`),
      dropped: (reason) => events.push(`dropped ${reason}`),
      failed: (requests) => events.push(`failed ${requests}`),
      queueDepth: () => {},
      threadCrashed: (cause, restarting) => events.push(`crashed ${restarting}: ${cause.message}`),
    },
    ...options,
  });
  segmenters.push(segmenter);
  return segmenter;
}

const scripted = (options: Partial<OrtSegmenterOptions> = {}): Promise<OrtSegmenter> =>
  start({ workerEntry: new URL('../../test/fixtures/scripted-ort-worker.ts', import.meta.url), ...options });

function frame(pixel: number, loudness = 0): ModelInput {
  const input = allocateModelInput(model.manifest);
  input.image.fill(pixel);
  input.logMel.fill(loudness);
  return input;
}

const request = (sessionId: string, ...inputs: ModelInput[]): SegmentRequest => ({
  sessionId,
  inputs,
  deadlineMs: Number.POSITIVE_INFINITY,
});

describe('OrtSegmenter with ONNX Runtime', () => {
  it('writes logits into the memory of every frame of every session', async () => {
    const segmenter = await start();
    expect(segmenter).toMatchObject({ executionProvider: 'cpu', ready: true });
    const frames = [10, 20, 30, 40, 50, 60].map((pixel) => frame(pixel, -pixel / 4));
    const replies = await Promise.all(frames.map((input, i) => segmenter.segment(request(`s${i}`, input))));
    for (const [i, { logits }] of frames.entries()) expect(logits.every((logit) => logit === (i + 1) * 7.5)).toBe(true);
    // The first finds the thread idle and goes alone; the others fill batches of two.
    expect(replies.map((reply) => reply.kind === 'logits' && reply.batchSize)).toEqual([1, 2, 2, 2, 2, 1]);
    expect(events).toEqual(['batch 1', 'batch 2', 'batch 2', 'batch 1']);
  });

  it('fills the runs of a model that takes four frames, no more and no less', async () => {
    const fixed = await modelOf('fixed', { batch: 4 });
    const segmenter = await start({ model: fixed });
    const frames = [10, 20, 30, 40, 50, 60].map((pixel) => frame(pixel));
    const replies = await Promise.all(frames.map((input, i) => segmenter.segment(request(`s${i}`, input))));
    for (const [i, { logits }] of frames.entries()) expect(logits.every((logit) => logit === (i + 1) * 10)).toBe(true);
    expect(replies.map((reply) => reply.kind === 'logits' && reply.batchSize)).toEqual([1, 4, 4, 4, 4, 1]);
    const window = [1, 2, 3, 4, 5].map((pixel) => frame(pixel));
    await segmenter.segment(request('whole', ...window));
    expect(window.map(({ logits }) => logits[0])).toEqual([1, 2, 3, 4, 5]);
    const { batch: _, ...free } = fixed.manifest;
    await expect(start({ model: { ...fixed, manifest: free } })).rejects.toMatchObject({
      detail: 'tiny.onnx: image: expected uint8 [N, 8, 8, 3] with N free, found uint8 [4, 8, 8, 3]',
    });
  });

  it('writes the masks of a model that decides itself', async () => {
    const deciding = await modelOf('mask', { mask: true });
    const segmenter = await start({ model: deciding });
    const [lit, dark] = [allocateModelInput(deciding.manifest), allocateModelInput(deciding.manifest)];
    lit.image.fill(9);
    dark.image.fill(9);
    dark.logMel.fill(-10);
    await segmenter.segment(request('a', lit, dark));
    expect(lit.logits).toBeInstanceOf(Uint8Array);
    expect([lit.logits.every((value) => value === 1), dark.logits.every((value) => value === 0)]).toEqual([true, true]);
  });

  it('gives a model that sees motion the earlier frames of each frame', async () => {
    const moving = await modelOf('motion', { motion: true });
    const segmenter = await start({ model: moving });
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
      start({ model: { ...moving, manifest: { ...moving.manifest, inputs: taller } } }),
    ).rejects.toMatchObject({
      detail: 'tiny.onnx: earlier: expected uint8 [N, 3, 8, 8] with N free, found uint8 [N, 2, 8, 8]',
    });
  });

  it('passes over the providers that this machine lacks, each with its reason', async () => {
    const segmenter = await start({ executionProviders: ['coreml', 'cpu'] });
    expect(segmenter.executionProvider).toBe('cpu');
    expect(segmenter.passedOver).toEqual([
      { provider: 'coreml', reason: expect.stringMatching(/^not in this build of ONNX Runtime, which has cpu/) },
    ]);
  });

  it('refuses to start when no provider takes the model', async () => {
    await expect(start({ executionProviders: ['coreml'] })).rejects.toMatchObject({
      code: 'provider-unavailable',
      detail: expect.stringMatching(/^coreml: not in this build/),
    });
  });

  it('refuses a graph that is not what its manifest says', async () => {
    const wrong = structuredClone(model.manifest);
    wrong.inputs.image.height = 16;
    await expect(start({ model: { ...model, manifest: wrong } })).rejects.toMatchObject({
      code: 'model-manifest-invalid',
      detail: 'tiny.onnx: image: expected uint8 [N, 16, 8, 3] with N free, found uint8 [N, 8, 8, 3]',
    });
  });

  it('refuses a file that is not a model', async () => {
    const file = join(folder, 'garbage.onnx');
    await writeFile(file, 'not a protocol buffer');
    await expect(start({ model: { ...model, file } })).rejects.toMatchObject({ code: 'provider-unavailable' });
  });

  it('fails the batch on which the model fails, and goes on', async () => {
    const segmenter = await start();
    await expect(segmenter.segment(request('a', frame(POISON_PIXEL)))).rejects.toMatchObject({
      code: 'inference-failed',
      detail: expect.stringMatching(/Gather/),
    });
    const good = frame(3);
    await expect(segmenter.segment(request('a', good))).resolves.toMatchObject({ kind: 'logits', batchSize: 1 });
    expect(good.logits[0]).toBe(3);
    expect(events).toEqual(['failed 1', 'batch 1']);
  });

  it('leaves no thread behind', async () => {
    const workers: Worker[] = [];
    const collect = (worker: Worker): unknown => workers.push(worker);
    process.on('worker', collect);
    const segmenter = await start({ inferenceWorkers: 2 });
    process.off('worker', collect);
    expect(workers.map(({ threadId }) => threadId > 0)).toEqual([true, true]);
    await Promise.all([segmenter.close(), segmenter.close()]);
    // Node's thread id of a worker that has ended.
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    await expect(segmenter.segment(request('a', frame(1)))).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
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
    await start({ inferenceWorkers: 2 });
    expect(await niced()).toBeGreaterThanOrEqual(before + 2);
    expect(await nicenesses()).toContain(0);
  });
});

describe('OrtSegmenter, its requests', () => {
  it.each([
    ['no frame', () => [], 'a request holds 1 to 5 frames, this one 0'],
    [
      'more than a window',
      () => Array.from({ length: 6 }, () => frame(1)),
      'a request holds 1 to 5 frames, this one 6',
    ],
    [
      'a wrong size',
      () => [{ ...frame(1), logMel: new Float32Array(new SharedArrayBuffer(4)) }],
      'logMel: expected 6144 elements, found 1',
    ],
    [
      'private memory',
      () => [{ ...frame(1), image: new Uint8Array(192) }],
      'image: must be in shared memory, see allocateModelInput',
    ],
  ])('refuses %s without running it', async (_, inputs, detail) => {
    const segmenter = await scripted();
    await expect(segmenter.segment(request('a', ...inputs()))).rejects.toMatchObject({
      code: 'inference-failed',
      detail,
    });
    expect(events).toEqual([]);
  });

  it('runs the newest of each session once the thread is free, and says how long it waited', async () => {
    const segmenter = await scripted();
    const held = frame(SCRIPT.hold);
    const first = segmenter.segment(request('a', held));
    const older = segmenter.segment(request('a', frame(SCRIPT.answer)));
    const newest = frame(SCRIPT.answer);
    nowMs += 10;
    const newer = segmenter.segment(request('a', newest));
    const other = segmenter.segment(request('b', frame(SCRIPT.answer)));
    await expect(older).resolves.toEqual({ kind: 'dropped', reason: 'superseded' });
    nowMs += 30;
    release(held);
    await expect(first).resolves.toEqual({ kind: 'logits', queueMs: 0, inferenceMs: 1, batchSize: 1 });
    await expect(newer).resolves.toEqual({ kind: 'logits', queueMs: 30, inferenceMs: 1, batchSize: 2 });
    await expect(other).resolves.toMatchObject({ kind: 'logits', batchSize: 2 });
    expect(newest.logits[0]).toBe(2);
    expect(events).toEqual(['dropped superseded', 'batch 1', 'batch 2']);
  });

  it('drops what is past its deadline when its turn comes, and a session that left', async () => {
    const segmenter = await scripted();
    const held = frame(SCRIPT.hold);
    const running = segmenter.segment(request('a', held));
    const late = segmenter.segment({ ...request('b', frame(SCRIPT.answer)), deadlineMs: nowMs + 50 });
    const gone = segmenter.segment(request('c', frame(SCRIPT.answer)));
    segmenter.leave('c');
    await expect(gone).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
    nowMs += 51;
    release(held);
    await expect(running).resolves.toMatchObject({ kind: 'logits' });
    await expect(late).resolves.toEqual({ kind: 'dropped', reason: 'deadline' });
  });

  it('runs batches in as many threads as it has', async () => {
    const segmenter = await scripted({ inferenceWorkers: 2 });
    const held = [frame(SCRIPT.hold), frame(SCRIPT.hold)];
    const running = held.map((input, i) => segmenter.segment(request(`s${i}`, input)));
    release(held[1]!);
    await expect(running[1]).resolves.toMatchObject({ kind: 'logits', batchSize: 1 });
    await expect(segmenter.segment(request('s2', frame(SCRIPT.answer)))).resolves.toMatchObject({ kind: 'logits' });
    release(held[0]!);
    await expect(running[0]).resolves.toMatchObject({ kind: 'logits' });
  });

  it('keeps the requests apart for a model that mixes the frames of a window', async () => {
    const segmenter = await scripted({ model: { ...model, manifest: { ...tinyManifest(), temporal: true } } });
    const held = frame(SCRIPT.hold);
    const first = segmenter.segment(request('a', held));
    const windows = ['b', 'c'].map((session) =>
      segmenter.segment(request(session, ...Array.from({ length: 5 }, () => frame(SCRIPT.answer)))),
    );
    release(held);
    await first;
    for (const window of windows) await expect(window).resolves.toMatchObject({ kind: 'logits', batchSize: 5 });
    expect(events).toEqual(['batch 1', 'batch 5', 'batch 5']);
  });

  it('drops what waits and finishes what runs when it closes', async () => {
    const segmenter = await scripted();
    const held = frame(SCRIPT.hold);
    const running = segmenter.segment(request('a', held));
    const waiting = segmenter.segment(request('b', frame(SCRIPT.answer)));
    const closed = segmenter.close();
    await expect(waiting).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
    release(held);
    await expect(running).resolves.toMatchObject({ kind: 'logits' });
    await closed;
  });
});

describe('OrtSegmenter, when a thread dies', () => {
  const crash = (segmenter: OrtSegmenter): Promise<void> =>
    expect(segmenter.segment(request('a', frame(SCRIPT.crash)))).rejects.toMatchObject({
      code: 'inference-failed',
      detail: 'the script says crash',
    });

  it('fails what ran, starts the thread again and runs what waits', async () => {
    const segmenter = await scripted();
    const crashed = crash(segmenter);
    const waiting = segmenter.segment(request('b', frame(SCRIPT.answer)));
    await crashed;
    await expect(waiting).resolves.toMatchObject({ kind: 'logits', batchSize: 1 });
    expect(events).toEqual(['crashed true: the script says crash', 'failed 1', 'batch 1']);
  });

  it('gives up on a thread that dies too often in a minute, and fails what waits and what comes', async () => {
    const segmenter = await scripted();
    for (let i = 0; i < MAX_RESTARTS; i++) await crash(segmenter);
    nowMs += RESTART_WINDOW_MS;
    for (let i = 0; i < MAX_RESTARTS; i++) await crash(segmenter);
    await segmenter.segment(request('a', frame(SCRIPT.answer)));
    expect(segmenter.ready).toBe(true);
    const last = crash(segmenter);
    const waiting = expect(segmenter.segment(request('b', frame(SCRIPT.answer)))).rejects.toMatchObject({
      code: 'inference-failed',
      detail: 'the last inference thread has died',
    });
    await last;
    await waiting;
    expect(segmenter.ready).toBe(false);
    await expect(segmenter.segment(request('c', frame(SCRIPT.answer)))).rejects.toMatchObject({
      code: 'inference-failed',
    });
    expect(events.filter((event) => event.startsWith('crashed true'))).toHaveLength(2 * MAX_RESTARTS);
    expect(events.filter((event) => event.startsWith('crashed false'))).toHaveLength(1);
  });

  it('goes on with the threads that are left', async () => {
    const segmenter = await scripted({ inferenceWorkers: 2 });
    const held = frame(SCRIPT.hold);
    const running = segmenter.segment(request('held', held));
    for (let i = 0; i <= MAX_RESTARTS; i++) await crash(segmenter);
    expect(events.at(-2)).toMatch('crashed false');
    const waiting = segmenter.segment(request('b', frame(SCRIPT.answer)));
    release(held);
    await expect(running).resolves.toMatchObject({ kind: 'logits' });
    await expect(waiting).resolves.toMatchObject({ kind: 'logits' });
    expect(segmenter.ready).toBe(true);
  });
});
