import { describe, expect, it } from 'vitest';
import { compare, describeComparison, differencesOf, welchInterval } from './comparison.ts';
import { exampleRecord, exampleReport } from './example-run.ts';
import { OBJECTIVE } from './objective.ts';
import { figuresOf } from './run-figures.ts';

/** @param latencyMs mean latency; it swings by 20 ms with the stream's masks. */
const report = (latencyMs: number, masksPerSecond = 10, durationMs = 20_000) => {
  const stream = { masksPerSecond, latencyMs: (index: number) => latencyMs + 20 * Math.sin(index * index) };
  const record = exampleRecord({ durationMs, streams: [stream, stream], cores: { media: 0.2, inference: 0.8 } });
  return exampleReport(figuresOf(record, OBJECTIVE));
};
const verdicts = (changes: ReturnType<typeof compare>) =>
  Object.fromEntries(changes.map(({ name, verdict }) => [name, verdict]));

describe('a comparison', () => {
  it('finds no change between a run and its like', () => {
    expect(new Set(compare(report(100), report(101)).map(({ verdict }) => verdict))).toEqual(new Set(['same']));
  });

  it('finds what is slower, and says by how much at least and at most', () => {
    const changes = compare(report(100), report(130));
    expect(verdicts(changes)).toMatchObject({ 'frame to mask p50, ms': 'worse', 'masks/s': 'same', IoU: 'same' });
    const p50 = changes.find(({ name }) => name === 'frame to mask p50, ms')!;
    expect(p50.low).toBeGreaterThan(10);
    expect(p50.high).toBeLessThan(50);
  });

  it('knows which way is better', () => {
    expect(verdicts(compare(report(100, 8), report(100, 10)))).toMatchObject({
      'masks/s': 'better',
      'server core-ms a mask': 'better',
    });
  });

  it('refuses reports too short to have noise, and names what differs', () => {
    const short = report(100, 10, 3000);
    expect(() => compare(short, report(100))).toThrow(/3 s is too short/);
    const other = { ...report(100), options: { ...report(100).options, profile: 'camera' } };
    expect(differencesOf(report(100), other)).toEqual(['profile: call / camera']);
    expect(describeComparison(report(100), other)).toMatch(/^differs – profile: call \/ camera\nmasks\/s .* no change/);
  });
});

it('has the interval of a worked example', () => {
  // t = 2.228 at 10 degrees of freedom: both samples have variance 3.5 and 6 values.
  const [low, high] = welchInterval([1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 7, 8]);
  const reach = 2.228 * Math.sqrt((2 * 3.5) / 6);
  expect(low).toBeCloseTo(2 - reach, 2);
  expect(high).toBeCloseTo(2 + reach, 2);
});
