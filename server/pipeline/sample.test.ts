import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { FakeFrame } from '../../test/fixtures/fake-media.ts';
import { freeInputs, poolOf, settled, timedFrame } from '../../test/fixtures/flow.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { CloseUps } from './close-ups.ts';
import type { Sample, TimedFrame } from './flow.ts';
import { MaskRate } from './mask-rate.ts';
import { MeanTurnaround } from './mean-turnaround.ts';
import { sample } from './sample.ts';

const multiples = (periodMs: number, count: number) => Array.from({ length: count }, (_, i) => i * periodMs);

describe('sample', () => {
  function flow(inputs: number, manifest = tinyManifest(), wanted = () => true, closeUps?: CloseUps) {
    const pool = poolOf(inputs, manifest);
    const telemetry = new TelemetryCollector();
    const frames$ = new Subject<TimedFrame>();
    const seen: Sample[] = [];
    let completed = false;
    const subscription = frames$
      .pipe(sample(pool, manifest, new MaskRate(10, new MeanTurnaround()), wanted, telemetry, closeUps))
      .subscribe({
        next: (one) => seen.push(one),
        complete: () => {
          completed = true;
        },
      });
    const done = () => completed;
    return { pool, telemetry, frames$, seen, done, subscription };
  }

  it('scales due frames into inputs and closes every frame once', async () => {
    const { telemetry, frames$, seen, pool } = flow(3);
    const frames = multiples(50, 5).map((timeMs) => timedFrame(timeMs, new FakeFrame(timeMs * 90, 7)));
    for (const frame of frames) frames$.next(frame);
    await settled();
    expect(seen.map(({ captureTimeMs, rtpTimestamp }) => [captureTimeMs, rtpTimestamp])).toEqual([
      [0, 0],
      [100, 9000],
      [200, 18_000],
    ]);
    for (const { lease, frameWidth, frameHeight } of seen) {
      expect(lease.input.image.every((byte) => byte === 7)).toBe(true);
      expect([frameWidth, frameHeight]).toEqual([640, 480]);
    }
    expect(frames.map(({ frame }) => (frame as FakeFrame).closings)).toEqual([1, 1, 1, 1, 1]);
    expect(telemetry.take().counts).toEqual({ samples: 3 });
    expect(freeInputs(pool)).toBe(0);
  });

  it('scales nothing for nobody, and the next due frame once somebody is there', async () => {
    let wanted = false;
    const { telemetry, frames$, seen, pool } = flow(2, tinyManifest(), () => wanted);
    const frames = multiples(50, 7).map((timeMs) => timedFrame(timeMs, new FakeFrame(timeMs * 90)));
    for (const frame of frames.slice(0, 4)) frames$.next(frame);
    await settled();
    expect(freeInputs(pool)).toBe(2);
    expect(telemetry.take()).toMatchObject({ drops: { 'channel-closed': 2 }, counts: {} });
    wanted = true;
    for (const frame of frames.slice(4)) frames$.next(frame);
    await settled();
    expect(seen.map(({ captureTimeMs }) => captureTimeMs)).toEqual([200, 300]);
    expect(frames.map(({ frame }) => (frame as FakeFrame).closings)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  it('drops a due frame when every input is lent', async () => {
    const { telemetry, frames$, seen } = flow(1);
    const frames = [new FakeFrame(), new FakeFrame()];
    frames$.next(timedFrame(0, frames[0]));
    frames$.next(timedFrame(100, frames[1]));
    await settled();
    expect(seen).toHaveLength(1);
    expect(telemetry.take().drops).toEqual({ 'slots-exhausted': 1 });
    expect(frames.map(({ closings }) => closings)).toEqual([1, 1]);
  });

  it('drops a frame that cannot be scaled, and goes on', async () => {
    const { pool, telemetry, frames$, seen } = flow(2);
    const broken = new FakeFrame(0, 0, Promise.reject(new Error('the decoder closed')));
    frames$.next(timedFrame(0, broken));
    frames$.next(timedFrame(100));
    await settled();
    expect(seen.map(({ captureTimeMs }) => captureTimeMs)).toEqual([100]);
    expect(telemetry.take().drops).toEqual({ 'scale-failed': 1 });
    expect(broken.closings).toBe(1);
    expect(freeInputs(pool)).toBe(1);
  });

  it('keeps the order of frames that are scaled at the same time, and completes after the last', async () => {
    const { frames$, seen, done } = flow(2);
    const slow = Promise.withResolvers<void>();
    frames$.next(timedFrame(0, new FakeFrame(0, 0, slow.promise)));
    frames$.next(timedFrame(100));
    frames$.complete();
    await settled();
    expect(seen).toEqual([]);
    expect(done()).toBe(false);
    slow.resolve();
    await settled();
    expect(seen.map(({ captureTimeMs }) => captureTimeMs)).toEqual([0, 100]);
    expect(done()).toBe(true);
  });

  it('closes the frame and returns the input when unsubscribed while scaling', async () => {
    const { pool, frames$, seen, subscription } = flow(1);
    const slow = Promise.withResolvers<void>();
    const frame = new FakeFrame(0, 0, slow.promise);
    frames$.next(timedFrame(0, frame));
    subscription.unsubscribe();
    slow.resolve();
    await settled();
    expect(seen).toEqual([]);
    expect(frame.closings).toBe(1);
    expect(freeInputs(pool)).toBe(1);
  });

  it('gives a model that sees motion what was seen before each sample, its own picture while there is none', async () => {
    const { telemetry, frames$, seen } = flow(9, tinyManifest({ motion: true }));
    const frames = multiples(40, 11).map((timeMs) => timedFrame(timeMs, new FakeFrame(0, 10 + timeMs / 4)));
    for (const frame of frames) frames$.next(frame);
    await settled();
    const greys = seen.map(({ captureTimeMs, lease: { input } }) => {
      const plane = input.earlier.length / 2;
      const uniform = input.earlier.every((value, i) => value === input.earlier[i < plane ? 0 : plane]);
      return [captureTimeMs, input.image[0], input.earlier[0], input.earlier[plane], uniform];
    });
    expect(greys).toEqual([
      [0, 10, 10, 10, true],
      [120, 40, 20, 10, true],
      [200, 60, 40, 20, true],
      [320, 90, 70, 50, true],
      [400, 110, 90, 70, true],
    ]);
    expect(telemetry.take().counts).toEqual({ samples: 5, 'without-motion': 1 });
    expect(frames.map(({ frame }) => (frame as FakeFrame).closings)).toEqual(Array(11).fill(1));
  });

  it('is not confused by frames that come while a sample is being scaled', async () => {
    const { frames$, seen } = flow(9, tinyManifest({ motion: true }));
    const slow = Promise.withResolvers<void>();
    for (const timeMs of multiples(40, 5)) frames$.next(timedFrame(timeMs, new FakeFrame(0, 10 + timeMs / 4)));
    frames$.next(timedFrame(200, new FakeFrame(0, 60, slow.promise)));
    for (let timeMs = 240; timeMs < 1000; timeMs += 40) frames$.next(timedFrame(timeMs, new FakeFrame(0, 200)));
    slow.resolve();
    await settled();
    const { input } = seen.find(({ captureTimeMs }) => captureTimeMs === 200)!.lease;
    expect([input.earlier[0], input.earlier.at(-1)]).toEqual([40, 20]);
  });

  it('takes a close-up of each sample until one has been looked at, then of one a second', async () => {
    const manifest = tinyManifest({ closeUps: true });
    const closeUps = new CloseUps(manifest.inputs.closeUp!);
    const { frames$, seen } = flow(16, manifest, () => true, closeUps);
    for (const timeMs of multiples(100, 2)) frames$.next(timedFrame(timeMs, new FakeFrame(0, 5)));
    await settled();
    closeUps.keep(seen[0]!.lease.input, 0);
    for (let timeMs = 200; timeMs <= 1000; timeMs += 100) frames$.next(timedFrame(timeMs, new FakeFrame(0, 6)));
    await settled();
    const taken = seen.filter(({ lease }) => lease.input.hasCloseUp);
    expect(taken.map(({ captureTimeMs }) => captureTimeMs)).toEqual([0, 100, 1000]);
    expect(taken.map(({ lease }) => lease.input.closeUp[0])).toEqual([5, 5, 6]);
    const others = seen.filter(({ lease }) => !lease.input.hasCloseUp);
    expect(others.every(({ lease }) => lease.input.closeUp[0] === 0)).toBe(true);
  });

  it('looks at no frame but the due ones for a model of stills', async () => {
    const { frames$, seen } = flow(3);
    const frames = multiples(50, 3).map((timeMs) => timedFrame(timeMs));
    for (const { frame } of frames) frame.lumaTo = () => expect.unreachable('nothing needs it');
    for (const frame of frames) frames$.next(frame);
    await settled();
    expect(seen).toHaveLength(2);
  });
});
