import { expect, test } from 'vitest';
import { BACK_OFF_DEFAULTS, backOffMs } from './back-off.ts';

test('each wait lies between half and the whole of a bound that doubles', () => {
  expect([0, 1, 2, 3].map((attempt) => backOffMs(attempt, 0))).toEqual([250, 500, 1000, 2000]);
  expect(backOffMs(2, 0.5)).toBe(1500);
});

test('waits never exceed the ceiling, however many attempts', () => {
  for (const attempt of [5, 40, 5000]) {
    expect(backOffMs(attempt, 0.999)).toBeLessThan(BACK_OFF_DEFAULTS.ceilingMs);
    expect(backOffMs(attempt, 0)).toBe(BACK_OFF_DEFAULTS.ceilingMs / 2);
  }
});
