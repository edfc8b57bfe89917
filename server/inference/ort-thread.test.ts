import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OrtSegmenters, request } from '../../test/fixtures/ort-segmenters.ts';
import { release, SCRIPT } from '../../test/fixtures/scripted-ort-worker.ts';
import type { OrtSegmenter } from './ort-segmenter.ts';
import { MAX_RESTARTS, RESTART_WINDOW_MS } from './ort-thread.ts';

let ort: OrtSegmenters;
beforeAll(async () => {
  ort = await OrtSegmenters.create();
});
afterEach(() => ort.close());
afterAll(() => ort.remove());

describe('OrtSegmenter, when a thread dies', () => {
  const crash = (segmenter: OrtSegmenter): Promise<void> =>
    expect(segmenter.segment(request('a', ort.frame(SCRIPT.crash)))).rejects.toMatchObject({
      code: 'inference-failed',
      detail: 'the script says crash',
    });

  it('fails what ran, starts the thread again and runs what waits', async () => {
    const segmenter = await ort.startScripted();
    const crashed = crash(segmenter);
    const waiting = segmenter.segment(request('b', ort.frame(SCRIPT.answer)));
    await crashed;
    await expect(waiting).resolves.toMatchObject({ kind: 'logits', batchSize: 1 });
    expect(ort.events).toEqual(['crashed true: the script says crash', 'failed 1', 'batch 1']);
  });

  it('gives up on a thread that dies too often in a minute, and fails what waits and what comes', async () => {
    const segmenter = await ort.startScripted();
    for (let i = 0; i < MAX_RESTARTS; i++) await crash(segmenter);
    ort.nowMs += RESTART_WINDOW_MS;
    for (let i = 0; i < MAX_RESTARTS; i++) await crash(segmenter);
    await segmenter.segment(request('a', ort.frame(SCRIPT.answer)));
    expect(segmenter.ready).toBe(true);
    const last = crash(segmenter);
    const waiting = expect(segmenter.segment(request('b', ort.frame(SCRIPT.answer)))).rejects.toMatchObject({
      code: 'inference-failed',
      detail: 'the last inference thread has died',
    });
    await last;
    await waiting;
    expect(segmenter.ready).toBe(false);
    await expect(segmenter.segment(request('c', ort.frame(SCRIPT.answer)))).rejects.toMatchObject({
      code: 'inference-failed',
    });
    expect(ort.events.filter((event) => event.startsWith('crashed true'))).toHaveLength(2 * MAX_RESTARTS);
    expect(ort.events.filter((event) => event.startsWith('crashed false'))).toHaveLength(1);
  });

  it('goes on with the threads that are left', async () => {
    const segmenter = await ort.startScripted({ inferenceWorkers: 2 });
    const held = ort.frame(SCRIPT.hold);
    const running = segmenter.segment(request('held', held));
    for (let i = 0; i <= MAX_RESTARTS; i++) await crash(segmenter);
    expect(ort.events.at(-2)).toMatch('crashed false');
    const waiting = segmenter.segment(request('b', ort.frame(SCRIPT.answer)));
    release(held);
    await expect(running).resolves.toMatchObject({ kind: 'logits' });
    await expect(waiting).resolves.toMatchObject({ kind: 'logits' });
    expect(segmenter.ready).toBe(true);
  });
});
