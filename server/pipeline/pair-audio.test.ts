import { map, type Observable, tap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { freeInputs, poolOf, sampleOf } from '../../test/fixtures/flow.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { LogMel } from '../dsp/log-mel.ts';
import { RollingLogMel } from '../dsp/rolling-log-mel.ts';
import { MediaClocks } from '../media/media-clock.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { AudioTimeline } from './audio-timeline.ts';
import type { Pair, Sample } from './flow.ts';
import { pairAudio } from './pair-audio.ts';

const { audio } = tinyManifest();
const SAMPLES_PER_MS = audio.sampleRateHz / 1000;
const logMel = new LogMel(audio);
/** Begin of the sound, so that a patch that ends at a whole ten of ms begins at a whole hop. */
const ORIGIN_MS = 5;

/** Sound whose packets say, by their value, up to which capture time they complete the timeline, ms. */
function flow(scheduler: TestScheduler, inputs = 8) {
  const pool = poolOf(inputs);
  const telemetry = new TelemetryCollector();
  const timeline = new AudioTimeline(audio.sampleRateHz, logMel.sampleCount, audio.hopLength);
  const clock = new MediaClocks(0).begin('audio', 48_000);
  clock.observe({ rtpTimestamp: 0, arrivalMs: ORIGIN_MS });
  timeline.begin(clock, () => {});
  let heardMs = ORIGIN_MS;
  const hearUntil = (untilMs: number) => {
    const samples = new Float32Array((untilMs - heardMs) * SAMPLES_PER_MS).fill(0.1);
    timeline.write((heardMs - ORIGIN_MS) * SAMPLES_PER_MS, samples);
    timeline.arrived(scheduler.now());
    heardMs = untilMs;
  };
  const pairs = (samples$: Observable<Sample>, heard$: Observable<number>) => {
    const options = { timeline, logMel: new RollingLogMel(logMel), telemetry, scheduler, nowMs: () => scheduler.now() };
    return samples$.pipe(pairAudio({ ...options, heard$: heard$.pipe(tap(hearUntil)), onSenderClock: () => true }));
  };
  /** `capture time:skew`, and what was taken is handed back. */
  const shown = map((pair: Pair) => {
    pair.lease.release();
    return `${pair.captureTimeMs}:${Math.round(pair.skewMs)}`;
  });
  return { pool, telemetry, pairs, shown };
}

const marbles = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));

describe('pairAudio', () => {
  it('emits at once when the sound has come before the picture', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, expectObservable, flush }) => {
      const { pool, telemetry, pairs, shown } = flow(scheduler);
      const heard$ = hot('    h         ', { h: 150 });
      const samples$ = hot('  100ms a  |', { a: sampleOf(pool, 100) });
      expectObservable(pairs(samples$, heard$).pipe(shown)).toBe('100ms a  |', { a: '100:0' });
      flush();
      expect(telemetry.take()).toEqual({
        drops: {},
        counts: {},
        observations: { decode: [0], pair: [0], skew: [expect.closeTo(0, 6)] },
      });
      expect(freeInputs(pool)).toBe(8);
    });
  });

  it('fills in the log-mel of the sound that ends with the picture', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, flush }) => {
      const { pool, pairs } = flow(scheduler);
      const seen: Pair[] = [];
      pairs(hot('1000ms a', { a: sampleOf(pool, 1000) }), hot('1ms h', { h: 1000 })).subscribe((pair) => {
        seen.push(pair);
      });
      flush();
      const expected = new Float32Array(audio.frames * audio.melBands);
      logMel.compute(new Float32Array(logMel.sampleCount).fill(0.1), expected);
      expect(seen[0]!.lease.input.logMel).toEqual(expected);
      expect(seen[0]!.levelDbfs).toBeCloseTo(-20, 4);
      expect(seen[0]!.onSenderClock).toBe(true);
    });
  });

  it('waits for sound that comes after its picture', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, expectObservable, flush }) => {
      const { pool, telemetry, pairs, shown } = flow(scheduler);
      const heard$ = hot('   80ms h 69ms i', { h: 60, i: 120 });
      const samples$ = hot(' 100ms a--|', { a: sampleOf(pool, 100) });
      expectObservable(pairs(samples$, heard$).pipe(shown)).toBe('150ms (a|)', { a: '100:0' });
      flush();
      expect(telemetry.take().observations.pair).toEqual([50]);
    });
  });

  it('takes the newest sound, and says how old it is, when its own has not come in 200 ms', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, expectObservable, flush }) => {
      const { pool, telemetry, pairs, shown } = flow(scheduler);
      const heard$ = hot('   80ms h 119ms i 199ms j', { h: 60, i: 90, j: 120 });
      const samples$ = hot(' 100ms a           ', { a: sampleOf(pool, 100) });
      expectObservable(pairs(samples$, heard$).pipe(shown)).toBe('300ms a', { a: '100:-10' });
      flush();
      const { counts, observations } = telemetry.take();
      expect(counts).toEqual({ 'late-audio': 1 });
      expect(observations.skew).toEqual([expect.closeTo(10, 6)]);
    });
  });

  it('keeps the order of pictures that wait', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, expectObservable }) => {
      const { pool, pairs, shown } = flow(scheduler);
      const heard$ = hot('   90ms h  109ms i', { h: 80, i: 160 });
      const samples$ = hot(' 100ms a 49ms b', { a: sampleOf(pool, 100), b: sampleOf(pool, 150) });
      expectObservable(pairs(samples$, heard$).pipe(shown)).toBe('200ms (ab)', { a: '100:0', b: '150:0' });
    });
  });

  it('does not wait when no sound flows: the missing part is silence', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, cold, expectObservable, flush }) => {
      const { pool, telemetry, pairs, shown } = flow(scheduler);
      const samples$ = hot('100ms a', { a: sampleOf(pool, 100) });
      expectObservable(pairs(samples$, cold<number>('-')).pipe(shown)).toBe('100ms a', { a: '100:0' });
      flush();
      expect(telemetry.take().counts).toEqual({});
    });
  });

  it('drops the oldest of more than four that wait', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, expectObservable, flush }) => {
      const { pool, telemetry, pairs, shown } = flow(scheduler);
      const timesMs = { a: 100, b: 110, c: 120, d: 130, e: 140 };
      const values = Object.fromEntries(
        Object.entries(timesMs).map(([name, timeMs]) => [name, sampleOf(pool, timeMs)]),
      );
      const heard$ = hot('   90ms h 109ms i', { h: 80, i: 140 });
      const samples$ = hot(' 100ms a 9ms b 9ms c 9ms d 9ms e', values);
      const expected = { b: '110:0', c: '120:0', d: '130:0', e: '140:0' };
      expectObservable(pairs(samples$, heard$).pipe(shown)).toBe('200ms (bcde)', expected);
      flush();
      expect(telemetry.take().drops).toEqual({ 'pair-overflow': 1 });
      expect(freeInputs(pool)).toBe(8);
    });
  });

  it('returns what waits when unsubscribed', () => {
    const scheduler = marbles();
    scheduler.run(({ hot, expectObservable, flush }) => {
      const { pool, pairs, shown } = flow(scheduler);
      const samples$ = hot('100ms a', { a: sampleOf(pool, 100) });
      expectObservable(pairs(samples$, hot('99ms h', { h: 60 })).pipe(shown), '^ 149ms !').toBe('');
      flush();
      expect(freeInputs(pool)).toBe(8);
    });
  });
});
