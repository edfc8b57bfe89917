import { expect, test, vi } from 'vitest';
import { FrameRing, type LocalFrame } from './frame-ring.ts';

function frameAt(timestampMs: number, close = vi.fn()): LocalFrame {
  const image = { width: 4, height: 3, close } satisfies ImageBitmap;
  return { timestampMs, captureTimeMs: timestampMs + 1000, arrivalMs: timestampMs + 1001, image, width: 4, height: 3 };
}

test('frames leave by age and by number, and are closed once', () => {
  const ring = new FrameRing({ spanMs: 100, capacity: 3 });
  const closes = [0, 50, 100, 120, 130].map((timestampMs) => {
    const close = vi.fn();
    ring.add(frameAt(timestampMs, close));
    return close;
  });
  expect(ring.frames.map((frame) => frame.timestampMs)).toEqual([100, 120, 130]);
  expect(closes.map((close) => close.mock.calls.length)).toEqual([1, 1, 0, 0, 0]);
  ring.clear();
  expect(closes.map((close) => close.mock.calls.length)).toEqual([1, 1, 1, 1, 1]);
});

test('finds the nearest frame and the newest not after a time', () => {
  const ring = new FrameRing();
  for (const timestampMs of [0, 33, 66]) ring.add(frameAt(timestampMs));
  expect(ring.nearest(50)?.timestampMs).toBe(66);
  expect(ring.nearest(49)?.timestampMs).toBe(33);
  expect(ring.newestUntil(65)?.timestampMs).toBe(33);
  expect(ring.newestUntil(-1)).toBeUndefined();
});

test('a timestamp that goes back empties the ring: another track has begun', () => {
  const ring = new FrameRing();
  const close = vi.fn();
  ring.add(frameAt(500, close));
  ring.add(frameAt(10));
  expect(ring.frames.map((frame) => frame.timestampMs)).toEqual([10]);
  expect(close).toHaveBeenCalledOnce();
});

test('a frame that repeats is closed and the others stay', () => {
  const ring = new FrameRing();
  const closes = [vi.fn(), vi.fn(), vi.fn()];
  for (const [i, timestampMs] of [20, 50, 50].entries()) ring.add(frameAt(timestampMs, closes[i]));
  expect(ring.frames.map((frame) => frame.timestampMs)).toEqual([20, 50]);
  expect(closes.map((close) => close.mock.calls.length)).toEqual([0, 0, 1]);
});
