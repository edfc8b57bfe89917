import fc from 'fast-check';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { freeInputs, poolOf, settled, windowOf } from '../../test/fixtures/flow.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { type FakeAnswer, FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import type { ModelManifest } from '../inference/manifest.ts';
import type { SegmentReply } from '../inference/segmenter.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { CloseUps } from './close-ups.ts';
import type { Segmented, Window } from './flow.ts';
import { MaskRate } from './mask-rate.ts';
import { MeanTurnaround } from './mean-turnaround.ts';
import { segment } from './segment.ts';

const QUIET = tinyManifest().silenceGateDbfs - 1;

interface FlowOptions {
  readonly temporal?: boolean;
  readonly inputs?: number;
  readonly manifest?: ModelManifest;
}

function flow(answer: FakeAnswer, { temporal = false, inputs = 16, manifest = tinyManifest() }: FlowOptions = {}) {
  const pool = poolOf(inputs, manifest);
  const telemetry = new TelemetryCollector();
  const rate = new MaskRate(10, new MeanTurnaround());
  const segmenter = new FakeSegmenter({ ...manifest, temporal }, answer);
  const closeUps = manifest.inputs.closeUp && new CloseUps(manifest.inputs.closeUp);
  const windows$ = new Subject<Window>();
  const seen: Segmented[] = [];
  let completed = false;
  const subscription = windows$
    .pipe(segment({ sessionId: 's', segmenter, turns: rate, closeUps, telemetry }))
    .subscribe({
      next: (segmented) => {
        seen.push(segmented);
        segmented.pair.lease.release();
      },
      complete: () => {
        completed = true;
      },
    });
  const capturedMs = () => seen.map(({ pair }) => pair.captureTimeMs);
  const done = () => completed;
  return { pool, telemetry, rate, segmenter, windows$, seen, capturedMs, done, subscription };
}

/** A model that answers when the test says. */
function held() {
  const runs: PromiseWithResolvers<SegmentReply>[] = [];
  const answer: FakeAnswer = () => {
    const run = Promise.withResolvers<SegmentReply>();
    runs.push(run);
    return run.promise;
  };
  return { runs, answer };
}

describe('segment', () => {
  it('answers silence without a run', async () => {
    const { pool, windows$, seen, segmenter, telemetry, rate } = flow(() => IMMEDIATE_LOGITS);
    windows$.next(windowOf(pool, [1, 2], QUIET));
    expect(seen).toMatchObject([{ gated: true, queueMs: 0, inferenceMs: 0, pair: { captureTimeMs: 2 } }]);
    expect(segmenter.requests).toEqual([]);
    expect(telemetry.take().counts).toEqual({ gated: 1 });
    expect(rate.hz).toBe(10);
    expect(freeInputs(pool)).toBe(16);
  });

  it('gives the newest frame alone to a model that treats each frame on its own', async () => {
    const { pool, windows$, segmenter } = flow(() => IMMEDIATE_LOGITS);
    const window = windowOf(pool, [1, 2, 3]);
    windows$.next(window);
    expect(segmenter.requests.map(({ inputs }) => inputs)).toEqual([[window.pairs[2]!.lease.input]]);
    await settled();
  });

  it('gives the whole window, oldest first, to a model that mixes its frames', async () => {
    const { pool, windows$, segmenter } = flow(() => IMMEDIATE_LOGITS, { temporal: true });
    const window = windowOf(pool, [1, 2, 3]);
    windows$.next(window);
    const [request] = segmenter.requests;
    expect(request!.inputs).toHaveLength(3);
    for (const [i, input] of request!.inputs.entries()) expect(input).toBe(window.pairs[i]!.lease.input);
    await settled();
  });

  it('runs one window at a time, then the newest that came meanwhile, and counts the others', async () => {
    const { runs, answer } = held();
    const { pool, windows$, capturedMs, telemetry } = flow(answer);
    for (const captureTimeMs of [1, 2, 3]) windows$.next(windowOf(pool, [captureTimeMs]));
    expect(runs).toHaveLength(1);
    runs[0]!.resolve({ kind: 'logits', queueMs: 4, inferenceMs: 5, batchSize: 1 });
    await settled();
    expect(runs).toHaveLength(2);
    runs[1]!.resolve(IMMEDIATE_LOGITS);
    await settled();
    expect(capturedMs()).toEqual([1, 3]);
    const { drops, observations } = telemetry.take();
    expect(drops).toEqual({ superseded: 1 });
    expect(observations).toEqual({ queue: [4, 0], inference: [5, 0] });
    expect(freeInputs(pool)).toBe(16);
  });

  it('lends the inputs until the model has answered, even when the session ends before', async () => {
    const { runs, answer } = held();
    const { pool, windows$, subscription, seen } = flow(answer, { temporal: true });
    windows$.next(windowOf(pool, [1, 2, 3]));
    subscription.unsubscribe();
    expect(freeInputs(pool)).toBe(13);
    runs[0]!.resolve(IMMEDIATE_LOGITS);
    await settled();
    expect(seen).toEqual([]);
    expect(freeInputs(pool)).toBe(16);
  });

  it('gives a model that sees close-ups what the last one that it answered looked like', async () => {
    const manifest = tinyManifest({ closeUps: true });
    const replies: SegmentReply[] = [{ kind: 'dropped', reason: 'deadline' }, IMMEDIATE_LOGITS, IMMEDIATE_LOGITS];
    const given: unknown[] = [];
    const { pool, windows$ } = flow(
      ({ inputs: [input] }) => {
        given.push([input!.looks[0], input!.hasCloseUp]);
        if (input!.hasCloseUp) input!.looks.fill(given.length);
        return replies.shift()!;
      },
      { manifest },
    );
    for (const captureTimeMs of [0, 100, 200]) {
      const window = windowOf(pool, [captureTimeMs]);
      window.pairs[0]!.lease.input.hasCloseUp = true;
      windows$.next(window);
      await settled();
    }
    expect(given).toEqual([
      [Number.NaN, true],
      [Number.NaN, true],
      [2, false],
    ]);
  });

  it.each(['superseded', 'deadline', 'closed'] as const)(
    'counts a window dropped as %s and goes on',
    async (reason) => {
      const replies: SegmentReply[] = [{ kind: 'dropped', reason }, IMMEDIATE_LOGITS];
      const { pool, windows$, capturedMs, telemetry, rate } = flow(() => replies.shift()!);
      windows$.next(windowOf(pool, [1]));
      await settled();
      // Others share the mean: what a session leaves behind when it closes is not the model's delay.
      expect(rate.hz < 10).toBe(reason !== 'closed');
      windows$.next(windowOf(pool, [2]));
      await settled();
      expect(capturedMs()).toEqual([2]);
      expect(telemetry.take().drops).toEqual({ [reason]: 1 });
      expect(freeInputs(pool)).toBe(16);
    },
  );

  it('counts a failed run and goes on', async () => {
    let runs = 0;
    const { pool, windows$, capturedMs, telemetry } = flow(() => {
      if (runs++ === 0) throw new Error('poisoned');
      return IMMEDIATE_LOGITS;
    });
    windows$.next(windowOf(pool, [1]));
    await settled();
    windows$.next(windowOf(pool, [2]));
    await settled();
    expect(capturedMs()).toEqual([2]);
    expect(telemetry.take().drops).toEqual({ 'inference-failed': 1 });
    expect(freeInputs(pool)).toBe(16);
  });

  it('completes after the last answer', async () => {
    const { runs, answer } = held();
    const { pool, windows$, capturedMs, done } = flow(answer);
    windows$.next(windowOf(pool, [1]));
    windows$.complete();
    expect(done()).toBe(false);
    runs[0]!.resolve(IMMEDIATE_LOGITS);
    await settled();
    expect(capturedMs()).toEqual([1]);
    expect(done()).toBe(true);
  });

  it('has one run at most, keeps order and returns every input in any interleaving', async () => {
    const step = fc.constantFrom('loud', 'loud', 'quiet', 'logits', 'deadline', 'failure', 'end');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, temporal) => {
        const { runs, answer } = held();
        // Two windows of two can be lent at once, and one more arrives before another is handed back.
        const { pool, windows$, capturedMs, subscription } = flow(answer, { temporal, inputs: 6 });
        let timeMs = 0;
        let answered = 0;
        for (const one of steps) {
          const run = runs[answered];
          if (one === 'loud' || one === 'quiet') {
            if (subscription.closed) continue;
            windows$.next(windowOf(pool, [timeMs++, timeMs++], one === 'quiet' ? QUIET : 0));
          } else if (one === 'end') {
            subscription.unsubscribe();
          } else if (run) {
            answered++;
            if (one === 'logits') run.resolve(IMMEDIATE_LOGITS);
            else if (one === 'deadline') run.resolve({ kind: 'dropped', reason: 'deadline' });
            else run.reject(new Error('failed'));
            await settled();
          }
          expect(runs.length - answered).toBeLessThanOrEqual(1);
        }
        subscription.unsubscribe();
        for (const run of runs) run.resolve(IMMEDIATE_LOGITS);
        await settled();
        expect(freeInputs(pool)).toBe(6);
        expect(capturedMs()).toEqual(capturedMs().toSorted((a, b) => a - b));
      }),
      { numRuns: 100 },
    );
  });
});
