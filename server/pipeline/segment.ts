/** Operator: runs the model on the newest window, at most one of the session at a time; silence needs no run. */
import { catchError, defer, EMPTY, from, mergeMap, type Observable, type OperatorFunction, of } from 'rxjs';
import type { Segmenter } from '../inference/segmenter.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Segmented, Window } from './flow.ts';
import { latestWhileBusy } from './latest-while-busy.ts';
import type { MaskRate } from './mask-rate.ts';
import { releaseWindow } from './window.ts';

/** A mask older than this is worth less than the next one. */
const ANSWER_WITHIN_MS = 1000;

export interface SegmentOptions {
  readonly sessionId: string;
  readonly segmenter: Segmenter;
  readonly rate: MaskRate;
  readonly telemetry: Telemetry;
}

/**
 * Consumes each window's leases; what it emits owns one lease of the newest pair.
 * A model that treats every frame on its own runs the newest only: the others' logits stand from when they were the newest.
 * A failed run is a drop: the next window may fare better, and the server's log has the cause.
 */
export function segment(options: SegmentOptions): OperatorFunction<Window, Segmented> {
  const { sessionId, segmenter, rate, telemetry } = options;
  const { manifest } = segmenter;

  const run = (window: Window): Observable<Segmented> => {
    const pair = window.pairs.at(-1)!;
    pair.lease.retain();
    if (pair.levelDbfs < manifest.silenceGateDbfs) {
      releaseWindow(window);
      telemetry.count('gated');
      return of({ pair, gated: true, queueMs: 0, inferenceMs: 0 });
    }
    const pairs = manifest.temporal ? window.pairs : [pair];
    const startMs = performance.now();
    return defer(() =>
      from(
        segmenter
          .segment({
            sessionId,
            inputs: pairs.map(({ lease }) => lease.input),
            deadlineMs: performance.timeOrigin + startMs + ANSWER_WITHIN_MS,
          })
          .finally(() => releaseWindow(window)),
      ),
    ).pipe(
      mergeMap((reply) => {
        if (reply.kind === 'dropped') {
          pair.lease.release();
          telemetry.drop(reply.reason);
          rate.missed();
          return EMPTY;
        }
        rate.answered(performance.now() - startMs);
        telemetry.observe('queue', reply.queueMs);
        telemetry.observe('inference', reply.inferenceMs);
        return of({ pair, gated: false, queueMs: reply.queueMs, inferenceMs: reply.inferenceMs });
      }),
      catchError(() => {
        pair.lease.release();
        telemetry.drop('inference-failed');
        rate.missed();
        return EMPTY;
      }),
    );
  };

  return latestWhileBusy(run, (window) => {
    releaseWindow(window);
    telemetry.drop('superseded');
    rate.missed();
  });
}
