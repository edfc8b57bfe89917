import { describe, expect, it } from 'vitest';
import { MeanTurnaround } from './mean-turnaround.ts';

describe('MeanTurnaround', () => {
  it('is the first answer until there are more, and unknown before', () => {
    const mean = new MeanTurnaround();
    expect(mean.ms).toBeUndefined();
    mean.answered(70, 1000);
    expect(mean.ms).toBe(70);
  });

  it('forgets with time, not with the number of answers', () => {
    const [few, many] = [new MeanTurnaround(), new MeanTurnaround()];
    for (let nowMs = 0; nowMs <= 5000; nowMs += 10) {
      if (nowMs % 100 === 0) few.answered(nowMs < 2500 ? 50 : 150, nowMs);
      many.answered(nowMs < 2500 ? 50 : 150, nowMs);
      expect(Math.abs(many.ms! - few.ms!)).toBeLessThan(10);
    }
    expect(many.ms).toBeGreaterThan(140);
  });

  it('takes the mean of answers that come together', () => {
    const mean = new MeanTurnaround();
    mean.answered(100, 0);
    for (const ms of [40, 60, 80]) mean.answered(ms, 50);
    mean.answered(60, 100);
    expect(mean.ms).toBeCloseTo(96, 6);
  });
});
