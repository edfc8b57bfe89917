import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CORRUPT, FakeDecoders, TestTrack } from '../../test/fixtures/fake-media.ts';
import { MediaClocks } from '../media/media-clock.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { decodeVideo } from './decode-video.ts';
import type { TimedFrame } from './flow.ts';

function flow() {
  const decoders = new FakeDecoders();
  const telemetry = new TelemetryCollector();
  const tracks$ = new Subject<TestTrack>();
  const seen: TimedFrame[] = [];
  const subscription = tracks$
    .pipe(decodeVideo(decoders, new MediaClocks(1000), telemetry))
    .subscribe((frame) => seen.push(frame));
  const add = () => {
    const track = new TestTrack('video');
    tracks$.next(track);
    return track;
  };
  return { decoders, telemetry, seen, subscription, add };
}

describe('decodeVideo', () => {
  it('gives each frame its capture and arrival time', () => {
    const { telemetry, seen, add } = flow();
    const track = add();
    for (const captureMs of [500, 600]) track.receive(captureMs, 1);
    expect(seen).toMatchObject([
      { captureTimeMs: 1500, arrivalMs: 500, frame: { rtpTimestamp: 45_000 } },
      { captureTimeMs: 1600, arrivalMs: 600, frame: { rtpTimestamp: 54_000 } },
    ]);
    expect(telemetry.take().counts).toEqual({ frames: 2 });
  });

  it('asks a new track for a key frame', () => {
    expect(flow().add().keyFrameRequests).toBe(1);
  });

  it('asks for a key frame when the stream is broken, and counts what cannot be decoded before it', () => {
    const { telemetry, seen, add } = flow();
    const track = add();
    track.receive(0, 1);
    track.receive(33, CORRUPT, 'delta');
    expect(track.keyFrameRequests).toBe(2);
    track.receive(67, 1, 'delta');
    track.receive(100, 1, 'delta');
    track.receive(133, 1, 'key');
    expect(seen.map(({ arrivalMs }) => arrivalMs)).toEqual([0, 133]);
    expect(telemetry.take().drops).toEqual({ 'awaiting-key-frame': 2 });
  });

  it('closes the decoder of a track that is replaced, and hears of it no more', () => {
    const { decoders, seen, add } = flow();
    const first = add();
    first.receive(0, 1);
    const second = add();
    first.receive(33, 2);
    second.receive(67, 3);
    expect(decoders.video.map(({ closed }) => closed)).toEqual([true, false]);
    expect(seen.map(({ arrivalMs }) => arrivalMs)).toEqual([0, 67]);
    expect(second.keyFrameRequests).toBe(1);
  });

  it('closes the decoder when unsubscribed', () => {
    const { decoders, seen, add, subscription } = flow();
    const track = add();
    subscription.unsubscribe();
    track.receive(0, 1);
    expect(decoders.video.map(({ closed }) => closed)).toEqual([true]);
    expect(seen).toEqual([]);
  });
});
