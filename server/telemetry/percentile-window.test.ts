import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PercentileWindow } from './percentile-window.ts';

describe('PercentileWindow', () => {
  it('has no percentile before the first observation', () => {
    expect(new PercentileWindow(4).percentile(0.5)).toBeUndefined();
  });

  it('gives the nearest rank of the newest observations', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(finite, { minLength: 1 }), share, (capacity, values, p) => {
        const window = new PercentileWindow(capacity);
        for (const value of values) window.add(value);
        const kept = values.slice(-capacity);
        const found = window.percentile(p)!;
        expect(kept).toContain(found);
        // The smallest value that at least the share p does not exceed.
        const notAbove = (limit: number) => kept.filter((value) => value <= limit).length;
        expect(notAbove(found)).toBeGreaterThanOrEqual(p * kept.length);
        for (const smaller of kept.filter((value) => value < found)) {
          expect(notAbove(smaller)).toBeLessThan(p * kept.length);
        }
      }),
    );
  });
});
