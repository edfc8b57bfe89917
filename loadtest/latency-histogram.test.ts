import { describe, expect, it } from 'vitest';
import { LatencyHistogram, latenciesWithWaits } from './latency-histogram.ts';

const answers = (...times: [captureMs: number, arrivalMs: number][]) =>
  times.map(([captureMs, arrivalMs]) => ({ captureMs, arrivalMs }));
const waits = (latencies: readonly { answered: boolean; latencyMs: number }[]) =>
  latencies.filter(({ answered }) => !answered).map(({ latencyMs }) => latencyMs);

describe('latencies with waits', () => {
  it('adds nothing while masks come at the rate owed', () => {
    const latencies = latenciesWithWaits(answers([0, 50], [200, 260], [400, 440]), 200, 0, 600);
    expect(latencies).toEqual([
      { captureMs: 0, latencyMs: 50, answered: true },
      { captureMs: 200, latencyMs: 60, answered: true },
      { captureMs: 400, latencyMs: 40, answered: true },
    ]);
  });

  it('counts each frame that was owed a mask from its capture to the next mask', () => {
    const latencies = latenciesWithWaits(answers([0, 50], [700, 760]), 200, 0, 800);
    expect(waits(latencies)).toEqual([760 - 200, 760 - 400, 760 - 600]);
  });

  it('counts frames that never got one up to the end', () => {
    expect(waits(latenciesWithWaits([], 200, 0, 1000))).toEqual([800, 600, 400, 200]);
    expect(waits(latenciesWithWaits(answers([100, 150]), 200, 0, 700))).toEqual([400, 200]);
  });

  it('lets a mask captured after the end answer what was owed before it', () => {
    expect(waits(latenciesWithWaits(answers([0, 50], [650, 700]), 200, 0, 500))).toEqual([500, 300]);
  });

  it('takes a mask that was overtaken for its own frame only', () => {
    const latencies = latenciesWithWaits(answers([0, 50], [200, 240], [100, 250], [400, 450]), 200, 0, 500);
    expect(waits(latencies)).toEqual([]);
    expect(latencies).toContainEqual({ captureMs: 100, latencyMs: 150, answered: true });
  });

  it('leaves out what was captured before the start', () => {
    expect(latenciesWithWaits(answers([-50, 20], [100, 140]), 200, 0, 200)).toEqual([
      { captureMs: 100, latencyMs: 40, answered: true },
    ]);
  });
});

describe('LatencyHistogram', () => {
  it('finds percentiles within one part in a thousand', () => {
    const histogram = new LatencyHistogram();
    for (let latencyMs = 1; latencyMs <= 1000; latencyMs++) histogram.record(latencyMs);
    const { p50, p95, p99, max, count } = histogram.percentiles()!;
    expect(count).toBe(1000);
    for (const [found, exact] of [
      [p50, 500],
      [p95, 950],
      [p99, 990],
      [max, 1000],
    ] as const) {
      expect(Math.abs(found - exact) / exact).toBeLessThan(0.001);
    }
    expect(histogram.curve().at(0)![0]).toBe(0);
    expect(histogram.curve().at(-1)![1]).toBe(max);
  });

  it('knows nothing before the first value', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.percentiles()).toBeUndefined();
    expect(histogram.percentile(0.5)).toBeUndefined();
    expect(histogram.curve()).toEqual([]);
  });
});
