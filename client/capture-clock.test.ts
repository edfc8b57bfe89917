import { expect, test } from 'vitest';
import { CaptureClock } from './capture-clock.ts';

test('the fastest delivery marks the capture, whatever the later ones take', () => {
  const clock = new CaptureClock();
  const delays = [40, 3, 25, 8, 60];
  const captured = delays.map((delayMs, i) => clock.observe(700_000 + 33 * i, 5000 + 33 * i + delayMs));
  captured.slice(1).forEach((captureTimeMs, i) => {
    expect(captureTimeMs).toBeCloseTo(5000 + 33 * (i + 1) + 3, 1);
  });
});

test('a track clock that runs slow against the page is followed', () => {
  const clock = new CaptureClock();
  let error = 0;
  for (let timeMs = 0; timeMs < 600_000; timeMs += 33) {
    error = clock.observe(timeMs * (1 - 5e-5), timeMs + 2) - timeMs;
  }
  expect(error).toBeCloseTo(2, 1);
});
