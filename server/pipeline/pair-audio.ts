/** Operator: gives each sampled frame the log-mel patch that ends at its capture time. */
import { asyncScheduler, Observable, type OperatorFunction, type SchedulerLike, Subscription } from 'rxjs';
import type { RollingLogMel } from '../dsp/rolling-log-mel.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AudioTimeline } from './audio-timeline.ts';
import type { Pair, Sample } from './flow.ts';

/** Sound that comes later than its picture by more than this is not waited for, ms. */
const AUDIO_WITHIN_MS = 200;
/** Samples that wait for their sound; the oldest is dropped for a newer one. */
const MAX_WAITING = 4;

export interface PairAudioOptions {
  readonly timeline: AudioTimeline;
  readonly logMel: RollingLogMel;
  /** Emits whenever the timeline has grown. */
  readonly heard$: Observable<unknown>;
  readonly onSenderClock: () => boolean;
  readonly telemetry: Telemetry;
  /** `performance.now()`; virtual in tests. */
  readonly nowMs?: () => number;
  readonly scheduler?: SchedulerLike;
}

/**
 * A frame whose sound has not come yet waits for it. When it does not come in time the newest patch is taken, and the skew
 * says so; when no sound flows at all, the missing part is silence and nothing waits.
 * Releases the leases of samples that it drops.
 */
export function pairAudio(options: PairAudioOptions): OperatorFunction<Sample, Pair> {
  const { timeline, logMel, heard$, onSenderClock, telemetry } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  const scheduler = options.scheduler ?? asyncScheduler;

  return (samples$) =>
    new Observable<Pair>((subscriber) => {
      const waiting: Sample[] = [];
      const patch = new Float32Array(timeline.patchLength);
      let timeout = Subscription.EMPTY;
      let sourceDone = false;

      const pairOf = (sample: Sample, late: boolean): Pair => {
        const heard = timeline.read(sample.captureTimeMs, late, patch);
        const { skewMs, levelDbfs, endLevelDbfs } = heard;
        logMel.compute(patch, heard, sample.lease.input.logMel);
        const pairedMs = nowMs();
        if (late) telemetry.count('late-audio');
        telemetry.observe('decode', sample.decodedMs - sample.arrivalMs);
        telemetry.observe('pair', pairedMs - sample.decodedMs);
        telemetry.observe('skew', Math.abs(skewMs));
        return { ...sample, skewMs, levelDbfs, endLevelDbfs, pairedMs, onSenderClock: onSenderClock() };
      };

      const drain = () => {
        timeout.unsubscribe();
        for (let head = waiting[0]; head && !subscriber.closed; head = waiting[0]) {
          const flowing = timeline.flowing(nowMs());
          const waitMs = head.decodedMs + AUDIO_WITHIN_MS - nowMs();
          const covered = timeline.covers(head.captureTimeMs);
          if (flowing && !covered && waitMs > 0) {
            timeout = scheduler.schedule(drain, waitMs);
            return;
          }
          waiting.shift();
          subscriber.next(pairOf(head, flowing && !covered));
        }
        if (sourceDone && waiting.length === 0) subscriber.complete();
      };

      subscriber.add(() => {
        timeout.unsubscribe();
        for (const { lease } of waiting) lease.release();
      });
      subscriber.add(heard$.subscribe({ next: drain, error: (error) => subscriber.error(error) }));
      subscriber.add(
        samples$.subscribe({
          next: (sample) => {
            waiting.push(sample);
            if (waiting.length > MAX_WAITING) {
              waiting.shift()!.lease.release();
              telemetry.drop('pair-overflow');
            }
            drain();
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            sourceDone = true;
            drain();
          },
        }),
      );
    });
}
