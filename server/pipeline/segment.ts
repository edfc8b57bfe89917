/** Operator: runs the model on the newest window, at most one of the session at a time; silence needs no run. */
import { Observable, type OperatorFunction } from 'rxjs';
import type { Segmenter } from '../inference/segmenter.ts';
import type { DropReason, Telemetry } from '../telemetry/telemetry.ts';
import type { CloseUps } from './close-ups.ts';
import type { Segmented, Window } from './flow.ts';
import { latestWhileBusy } from './latest-while-busy.ts';
import type { MaskTurns } from './mask-rate.ts';
import { releaseWindow } from './window.ts';

/** A mask older than this is worth less than the next one. */
const ANSWER_WITHIN_MS = 1000;

export interface SegmentOptions {
  readonly sessionId: string;
  readonly segmenter: Segmenter;
  readonly turns: MaskTurns;
  /** Of a model that sees them. */
  readonly closeUps?: CloseUps | undefined;
  readonly telemetry: Telemetry;
}

/**
 * Consumes each window's leases; what it emits owns one lease of the newest pair.
 * A model that treats every frame on its own runs the newest only: the others' logits stand from when they were the newest.
 * A failed run is a drop: the next window may fare better, and the server's log has the cause.
 */
export function segment(options: SegmentOptions): OperatorFunction<Window, Segmented> {
  const { sessionId, segmenter, turns, closeUps, telemetry } = options;
  const { manifest } = segmenter;

  const unanswered = (reason: DropReason) => {
    telemetry.drop(reason);
    // What a session leaves behind says nothing of the model, and others share the mean.
    if (reason !== 'closed') turns.answered(ANSWER_WITHIN_MS, 0, performance.now());
  };

  const run = (window: Window) =>
    new Observable<Segmented>((subscriber) => {
      const pair = window.pairs.at(-1)!;
      const emit = (segmented: Omit<Segmented, 'pair'>) => {
        // The model may answer after the session has ended.
        if (subscriber.closed) return;
        pair.lease.retain();
        subscriber.next({ pair, ...segmented });
      };
      const finish = () => {
        releaseWindow(window);
        subscriber.complete();
      };

      if (pair.levelDbfs < manifest.silenceGateDbfs) {
        telemetry.count('gated');
        emit({ gated: true, queueMs: 0, inferenceMs: 0 });
        finish();
        return;
      }
      const pairs = manifest.temporal ? window.pairs : [pair];
      const inputs = pairs.map(({ lease }) => lease.input);
      for (const { lease, captureTimeMs } of pairs) closeUps?.lend(lease.input, captureTimeMs);
      const startMs = performance.now();
      segmenter
        .segment({ sessionId, inputs, deadlineMs: performance.timeOrigin + startMs + ANSWER_WITHIN_MS })
        .then(
          (reply) => {
            if (reply.kind === 'dropped') return unanswered(reply.reason);
            closeUps?.keep(pair.lease.input, pair.captureTimeMs);
            const { queueMs, inferenceMs } = reply;
            const nowMs = performance.now();
            turns.answered(nowMs - startMs, queueMs, nowMs);
            telemetry.observe('queue', queueMs);
            telemetry.observe('inference', inferenceMs);
            emit({ gated: false, queueMs, inferenceMs });
          },
          () => unanswered('inference-failed'),
        )
        .finally(finish);
    });

  return latestWhileBusy(run, (window) => {
    releaseWindow(window);
    telemetry.drop('superseded');
  });
}
