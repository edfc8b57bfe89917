import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MaskedPace, OwnPace } from './pace.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** @returns whether it has resolved by now. */
async function reached(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return done;
}

describe('OwnPace', () => {
  it('lets everything go at its time', async () => {
    const pace = new OwnPace();
    expect(await reached(pace.reach(0))).toBe(true);
    const later = pace.reach(100);
    await vi.advanceTimersByTimeAsync(99);
    expect(await reached(later)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await reached(later)).toBe(true);
  });
});

describe('MaskedPace', () => {
  it('lets media go a quarter of a second ahead of the newest mask, whatever the time', async () => {
    const pace = new MaskedPace();
    expect(await reached(pace.reach(250))).toBe(true);
    const next = pace.reach(340);
    expect(await reached(next)).toBe(false);
    pace.masked(100);
    expect(await reached(next)).toBe(true);
  });

  it('goes further ahead when masks are rare', async () => {
    const pace = new MaskedPace();
    pace.masked(500);
    expect(await reached(pace.reach(1250))).toBe(true);
    expect(await reached(pace.reach(1251))).toBe(false);
  });

  it('goes on without a mask that does not come', async () => {
    const pace = new MaskedPace();
    const stuck = pace.reach(400);
    await vi.advanceTimersByTimeAsync(999);
    expect(await reached(stuck)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await reached(stuck)).toBe(true);
    expect(await reached(pace.reach(650))).toBe(true);
  });
});
