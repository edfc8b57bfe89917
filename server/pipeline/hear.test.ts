import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { AUDIO_CHUNK_LENGTH, CORRUPT, FakeDecoders, TestTrack } from '../../test/fixtures/fake-media.ts';
import { MediaClocks } from '../media/media-clock.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { AudioTimeline } from './audio-timeline.ts';
import { hear } from './hear.ts';

const RATE_HZ = 16_000;
const CHUNK_MS = (AUDIO_CHUNK_LENGTH / 48_000) * 1000;

function flow() {
  const decoders = new FakeDecoders();
  const telemetry = new TelemetryCollector();
  const timeline = new AudioTimeline(RATE_HZ, 160, 1);
  const tracks$ = new Subject<TestTrack>();
  let heard = 0;
  const subscription = tracks$.pipe(hear(decoders, new MediaClocks(0), timeline, telemetry)).subscribe(() => heard++);
  const add = () => {
    const track = new TestTrack('audio');
    tracks$.next(track);
    return track;
  };
  const patchAt = (captureTimeMs: number) => {
    const patch = new Float32Array(160);
    timeline.read(captureTimeMs, false, patch);
    return patch;
  };
  return { decoders, telemetry, timeline, subscription, add, patchAt, heardCount: () => heard };
}

describe('hear', () => {
  it('places the sound of each packet at its capture time, at the rate of the timeline', () => {
    const { add, patchAt, timeline, heardCount } = flow();
    const track = add();
    for (let i = 0; i < 10; i++) track.receive(i * CHUNK_MS, i < 5 ? 0 : 64);
    expect(heardCount()).toBe(10);
    // The band-limited step at 100 ms rings for 1.6 ms on each side.
    for (const sample of patchAt(97)) expect(sample).toBeCloseTo(0, 4);
    for (const sample of patchAt(113)) expect(sample).toBeCloseTo(0.5, 4);
    expect(timeline.covers(197)).toBe(true);
    expect(timeline.covers(201)).toBe(false);
  });

  it('counts a packet that cannot be decoded, leaves its place silent and goes on', () => {
    const { add, patchAt, telemetry } = flow();
    const track = add();
    for (const [i, byte] of [64, 64, CORRUPT, 64, 64].entries()) track.receive(i * CHUNK_MS, byte);
    for (const sample of patchAt(55)) expect(sample).toBeCloseTo(0, 4);
    for (const sample of patchAt(95)) expect(sample).toBeCloseTo(0.5, 4);
    expect(telemetry.take().drops).toEqual({ 'audio-undecodable': 1 });
  });

  it('decodes when the timeline is read, in the order of arrival, and half a second of packets at the latest', () => {
    const { decoders, add, timeline } = flow();
    const track = add();
    const receive = (from: number, to: number) => {
      for (let i = from; i < to; i++) track.receive(i * CHUNK_MS, i);
    };
    receive(0, 24);
    expect(decoders.audio[0]!.decoded).toEqual([]);
    expect(timeline.covers(3 * CHUNK_MS)).toBe(true);
    expect(decoders.audio[0]!.decoded).toEqual(Array.from({ length: 24 }, (_, i) => i));
    receive(24, 49);
    expect(decoders.audio[0]!.decoded).toHaveLength(49);
  });

  it('closes the decoder of a track that is replaced, and forgets its sound', () => {
    const { decoders, add, patchAt } = flow();
    const first = add();
    for (let i = 0; i < 5; i++) first.receive(i * CHUNK_MS, 64);
    const second = add();
    first.receive(5 * CHUNK_MS, 64);
    expect(decoders.audio.map(({ closed }) => closed)).toEqual([true, false]);
    second.receive(6 * CHUNK_MS, 32);
    for (const sample of patchAt(100)) expect(sample).toBe(0);
    for (const sample of patchAt(135)) expect(sample).toBeCloseTo(0.25, 4);
  });

  it('closes the decoder when unsubscribed', () => {
    const { decoders, add, subscription, heardCount } = flow();
    const track = add();
    subscription.unsubscribe();
    track.receive(0, 64);
    expect(decoders.audio.map(({ closed }) => closed)).toEqual([true]);
    expect(heardCount()).toBe(0);
  });
});
