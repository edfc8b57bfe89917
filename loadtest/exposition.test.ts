import { expect, it } from 'vitest';
import { Exposition, quantile } from './exposition.ts';

const TEXT = `# HELP avsac_drops_total Work dropped, by reason
# TYPE avsac_drops_total counter
avsac_drops_total{reason="superseded"} 7
avsac_drops_total{reason="deadline"} 0
avsac_segment_queue 2
avsac_total_seconds_bucket{le="0.1"} 10
avsac_total_seconds_bucket{le="0.2"} 30
avsac_total_seconds_bucket{le="+Inf"} 31
avsac_total_seconds_sum 4.5
avsac_total_seconds_count 31
`;

it('reads values, labels, and what a histogram observed between two readings', () => {
  const before = new Exposition(
    'avsac_total_seconds_bucket{le="0.1"} 10\navsac_total_seconds_sum 0.5\navsac_total_seconds_count 10\n',
  );
  const after = new Exposition(TEXT);
  expect(after.value('avsac_segment_queue')).toBe(2);
  expect(after.value('avsac_nothing')).toBe(0);
  expect(after.byLabel('avsac_drops_total', 'reason')).toEqual({ superseded: 7, deadline: 0 });
  expect(after.histogramSince(before, 'avsac_total_seconds')).toEqual({
    sum: 4,
    count: 21,
    buckets: [
      { le: 0.1, count: 0 },
      { le: 0.2, count: 30 },
      { le: Number.POSITIVE_INFINITY, count: 31 },
    ],
  });
});

it('estimates quantiles as Prometheus does', () => {
  const histogram = new Exposition(TEXT).histogramSince(new Exposition(''), 'avsac_total_seconds');
  expect(quantile(histogram, 0.5)).toBeCloseTo(0.1 + (0.1 * (15.5 - 10)) / 20);
  expect(quantile(histogram, 1)).toBe(0.2);
  expect(quantile({ sum: 0, count: 0, buckets: [] }, 0.5)).toBeUndefined();
});
