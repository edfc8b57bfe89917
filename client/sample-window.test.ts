import { expect, test } from 'vitest';
import { SampleWindow } from './sample-window.ts';

function windowOf(spanMs: number, values: readonly number[], stepMs = 100): SampleWindow {
  const samples = new SampleWindow(spanMs);
  values.forEach((value, i) => {
    samples.add(i * stepMs, value);
  });
  return samples;
}

test('percentiles are by nearest rank', () => {
  const samples = windowOf(10_000, [50, 15, 40, 20, 35]);
  expect([0.05, 0.3, 0.4, 0.5, 1].map((share) => samples.percentile(share, 400))).toEqual([15, 20, 20, 35, 50]);
});

test('what is older than the span no longer counts', () => {
  const samples = windowOf(1000, [9, 1, 2, 3]);
  expect(samples.percentile(1, 1050)).toBe(3);
  expect(samples.count(1250)).toBe(1);
  expect(samples.percentile(0.5, 5000)).toBeUndefined();
  expect(samples.mean(5000)).toBeUndefined();
});

test('the rate of ten samples a second is 10 from the second sample on', () => {
  const samples = new SampleWindow(5000);
  samples.add(0, 1);
  expect(samples.rateHz(0)).toBe(0);
  for (let timeMs = 100; timeMs <= 9000; timeMs += 100) {
    samples.add(timeMs, 1);
    expect(samples.rateHz(timeMs)).toBeCloseTo(10, 6);
  }
});

test('the rate falls while nothing comes', () => {
  const samples = windowOf(5000, new Array(51).fill(1));
  expect(samples.rateHz(7500)).toBeCloseTo(5, 0);
  expect(samples.rateHz(10_001)).toBe(0);
});

test('the capacity bounds the samples kept', () => {
  const samples = new SampleWindow(10_000, 3);
  for (const value of [7, 1, 2, 3]) samples.add(0, value);
  expect(samples.count(0)).toBe(3);
  expect(samples.percentile(1, 0)).toBe(3);
});
