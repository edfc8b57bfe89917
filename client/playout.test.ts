import { expect, test } from 'vitest';
import { FrameRing, type LocalFrame } from './frame-ring.ts';
import { PLAYOUT_DEFAULTS, Playout } from './playout.ts';

const FRAME_MS = 1000 / 30;
const frameAt = (index: number): LocalFrame => ({
  timestampMs: index * FRAME_MS,
  captureTimeMs: 5000 + index * FRAME_MS,
  arrivalMs: 5001 + index * FRAME_MS,
  image: undefined,
  width: 4,
  height: 3,
});

/**
 * Runs 30 frames/s against 60 displays/s in virtual time; every third frame gets a mask named after it.
 * @param latencyMs of the n-th frame's mask; undefined: none comes.
 */
function run(frames: number, latencyMs: (index: number) => number | undefined) {
  const playout = new Playout<number>(new FrameRing());
  const shown: { mask: number; onFrame: number; timeMs: number }[] = [];
  const views: { frame: number; mask: number | undefined }[] = [];
  const arrivals: { timeMs: number; frame: LocalFrame; index: number }[] = [];
  for (let step = 0; step < 2 * frames; step++) {
    const timeMs = 5000 + step * (FRAME_MS / 2) + 1;
    if (step % 2 === 0) {
      const frame = frameAt(step / 2);
      playout.ring.add(frame);
      const latency = latencyMs(step / 2);
      if ((step / 2) % 3 === 0 && latency !== undefined) {
        arrivals.push({ timeMs: frame.captureTimeMs + latency, frame, index: step / 2 });
      }
    }
    for (const arrival of arrivals.filter((one) => one.timeMs <= timeMs)) {
      arrivals.splice(arrivals.indexOf(arrival), 1);
      playout.addMask(arrival.index, arrival.frame, arrival.timeMs);
    }
    const view = playout.select(timeMs)!;
    const frame = Math.round(view.frame.timestampMs / FRAME_MS);
    views.push({ frame, mask: view.mask });
    if (view.maskIsNew) shown.push({ mask: view.mask!, onFrame: frame, timeMs });
  }
  return { playout, shown, views };
}

test('every mask appears first on its own frame and is held until the next', () => {
  const { shown, views } = run(300, (index) => 120 + 30 * Math.sin(index));
  expect(shown.length).toBeGreaterThan(90);
  for (const { mask, onFrame } of shown) expect(onFrame).toBe(mask);
  for (const { frame, mask } of views) {
    if (mask === undefined) continue;
    expect(frame).toBeGreaterThanOrEqual(mask);
    expect(frame - mask).toBeLessThanOrEqual(6);
  }
});

test('the picture moves on frame by frame once the delay has settled', () => {
  const { views } = run(300, () => 150);
  const settled = views.slice(200).map(({ frame }) => frame);
  settled.slice(1).forEach((frame, i) => {
    expect(frame - settled[i]!).toBeGreaterThanOrEqual(0);
    expect(frame - settled[i]!).toBeLessThanOrEqual(1);
  });
});

test('without masks the picture is live', () => {
  const { views, playout } = run(60, () => undefined);
  expect(playout.delayMs).toBe(0);
  expect(views.at(-1)?.frame).toBe(59);
});

test('a stall lengthens the delay instead of putting masks on other frames', () => {
  // From frame 150 on nothing comes for 500 ms, then all at once.
  const { shown, playout } = run(300, (index) => (index < 150 ? 80 : Math.max(80, 500 - (index - 150) * FRAME_MS)));
  for (const { mask, onFrame } of shown) expect(onFrame).toBe(mask);
  expect(playout.delayMs).toBeGreaterThan(400);
});

test('the delay comes back down after slow masks have passed', () => {
  const { playout } = run(600, (index) => (index < 60 ? 400 : 80));
  expect(playout.delayMs).toBeCloseTo(80 + PLAYOUT_DEFAULTS.marginMs, 0);
});

test('masks that stop coming leave the picture', () => {
  const { views } = run(300, (index) => (index < 60 ? 80 : undefined));
  const lastMasked = views.findLast(({ mask }) => mask !== undefined)!;
  expect((lastMasked.frame - 57) * FRAME_MS).toBeLessThanOrEqual(PLAYOUT_DEFAULTS.holdMs + FRAME_MS);
  expect(views.at(-1)?.mask).toBeUndefined();
});

test('a mask older than the one shown is refused', () => {
  const playout = new Playout<string>();
  const frames = [0, 1, 2, 3, 4, 5].map(frameAt);
  for (const frame of frames) playout.ring.add(frame);
  expect(playout.addMask('new', frames[3]!, 5110)).toBe(true);
  expect(playout.select(5400)).toMatchObject({ mask: 'new', maskIsNew: true });
  expect(playout.addMask('old', frames[2]!, 5410)).toBe(false);
});
