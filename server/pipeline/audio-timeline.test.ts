import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaClocks } from '../media/media-clock.ts';
import { AudioTimeline } from './audio-timeline.ts';

const RATE_HZ = 16_000;
const TRACK_RATE_HZ = 48_000;

/** A track whose RTP timestamp `firstTimestamp` was captured and arrived at `arrivalMs`. */
function timelineOf(patchLength: number, firstTimestamp = 0, arrivalMs = 0) {
  const timeline = new AudioTimeline(RATE_HZ, patchLength, 1);
  const clock = new MediaClocks(0).begin('audio', TRACK_RATE_HZ);
  timeline.begin(clock, () => {});
  clock.observe({ rtpTimestamp: firstTimestamp, arrivalMs });
  const firstPosition = Math.ceil(clock.unwrap(firstTimestamp) / 3);
  return { timeline, clock, firstPosition };
}

/** Each sample of the track's first second is its own index / 2^15. */
const RAMP = Float32Array.from({ length: RATE_HZ }, (_, i) => i / 2 ** 15);

describe('AudioTimeline', () => {
  it('ends the patch exactly at the capture time', () => {
    const patch = new Float32Array(4);
    const timestamp = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const arrival = fc.integer({ min: 0, max: 1e7 });
    // Whole samples, so that the end is an exact position.
    const end = fc.integer({ min: patch.length, max: RATE_HZ });
    fc.assert(
      fc.property(timestamp, arrival, end, (firstTimestamp, arrivalMs, endSample) => {
        const aligned = firstTimestamp - (firstTimestamp % 3);
        const { timeline, firstPosition } = timelineOf(patch.length, aligned, arrivalMs);
        timeline.write(firstPosition, RAMP);
        const captureTimeMs = arrivalMs + (endSample * 1000) / RATE_HZ;
        expect(timeline.covers(captureTimeMs)).toBe(true);
        const { skewMs } = timeline.read(captureTimeMs, false, patch);
        expect([...patch].map((value) => value * 2 ** 15)).toEqual([4, 3, 2, 1].map((before) => endSample - before));
        expect(Math.abs(skewMs)).toBeLessThan(1e-3);
      }),
      { numRuns: 100 },
    );
  });

  it('measures the distance to the nearest sample as skew', () => {
    const { timeline } = timelineOf(4);
    timeline.write(0, RAMP);
    // 100.02 ms lie 0.32 samples after sample 1600.
    expect(timeline.read(100.02, false, new Float32Array(4)).skewMs).toBeCloseTo(-0.02, 6);
  });

  it('ends at the last whole hop before the capture time, and needs no sound after it', () => {
    const timeline = new AudioTimeline(RATE_HZ, 4, 160);
    const clock = new MediaClocks(0).begin('audio', TRACK_RATE_HZ);
    timeline.begin(clock, () => {});
    clock.observe({ rtpTimestamp: 0, arrivalMs: 0 });
    // Patches of 4 samples end at 4 samples after each 10 ms.
    timeline.write(0, RAMP.subarray(0, 1604));
    const patch = new Float32Array(4);
    expect(timeline.covers(110.24)).toBe(true);
    expect(timeline.covers(110.26)).toBe(false);
    expect(timeline.read(105.25, false, patch)).toMatchObject({
      skewMs: expect.closeTo(-5, 6),
      position: 1600,
      knownUntil: 1604,
    });
    expect([...patch].map((value) => value * 2 ** 15)).toEqual([1600, 1601, 1602, 1603]);
  });

  it('gives another revision when what was heard before has changed, and only then', () => {
    const { timeline, clock } = timelineOf(4);
    const revision = () => timeline.read(10, false, new Float32Array(4)).revision;
    timeline.write(0, RAMP.subarray(0, 320));
    const first = revision();
    timeline.write(320, RAMP.subarray(0, 320));
    expect(revision()).toBe(first);
    timeline.write(160, RAMP.subarray(0, 10));
    const second = revision();
    expect(second).not.toBe(first);
    timeline.begin(clock, () => {});
    expect([first, second]).not.toContain(revision());
  });

  it('does not cover what has not come, and takes the newest when told to', () => {
    const { timeline } = timelineOf(4);
    timeline.write(0, RAMP.subarray(0, 1600));
    const patch = new Float32Array(4);
    expect(timeline.covers(100)).toBe(true);
    // One sample more.
    expect(timeline.covers(100.0625)).toBe(false);
    const { skewMs } = timeline.read(120, true, patch);
    expect(skewMs).toBeCloseTo(-20, 6);
    expect([...patch].map((value) => value * 2 ** 15)).toEqual([1596, 1597, 1598, 1599]);
  });

  it('is silent where nothing was heard, and ends at the capture time still', () => {
    const { timeline } = timelineOf(3200);
    timeline.write(0, new Float32Array(1600).fill(0.5));
    const patch = new Float32Array(3200);
    const { skewMs, levelDbfs } = timeline.read(200, false, patch);
    expect(skewMs).toBeCloseTo(0, 6);
    expect(patch.findLastIndex((sample) => sample !== 0)).toBe(1599);
    expect(levelDbfs).toBeCloseTo(20 * Math.log10(0.5) - 10 * Math.log10(2), 6);
  });

  it('is silent before the first track', () => {
    const timeline = new AudioTimeline(RATE_HZ, 4, 1);
    const patch = new Float32Array(4).fill(1);
    expect(timeline.covers(0)).toBe(false);
    expect(timeline.flowing(0)).toBe(false);
    expect(timeline.read(0, true, patch)).toMatchObject({ skewMs: 0, levelDbfs: Number.NEGATIVE_INFINITY });
    expect([...patch]).toEqual([0, 0, 0, 0]);
  });

  it('flows until no packet has come for half a second', () => {
    const { timeline } = timelineOf(4);
    timeline.arrived(1000);
    expect(timeline.flowing(1499)).toBe(true);
    expect(timeline.flowing(1500)).toBe(false);
  });

  it('forgets the track before when a new one begins', () => {
    const { timeline, clock } = timelineOf(4);
    timeline.write(0, RAMP);
    timeline.begin(clock, () => {});
    expect(timeline.covers(100)).toBe(false);
    expect(timeline.flowing(0)).toBe(false);
    expect(timeline.read(100, false, new Float32Array(4)).levelDbfs).toBe(Number.NEGATIVE_INFINITY);
  });
});
