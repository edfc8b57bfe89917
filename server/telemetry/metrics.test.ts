import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Metrics } from './metrics.ts';
import { DROP_REASONS, TelemetryCollector } from './telemetry.ts';

/** Value of one line of the exposition text. */
const reading = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length),
  );

describe('Metrics', () => {
  it('exposes exactly the metrics that the documentation names', async () => {
    const operations = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const documented = new Set(operations.match(/\bavsac_[a-z_]+/g));
    const exposed = (await new Metrics().text()).matchAll(/^# TYPE (avsac_[a-z_]+) /gm);
    expect([...exposed].map(([, name]) => name).toSorted()).toEqual([...documented].toSorted());
  });

  it('exposes every reason of a drop from the start, so that rates are right at the first one', async () => {
    const text = await new Metrics().text();
    for (const reason of Object.keys(DROP_REASONS)) {
      expect(reading(text, `avsac_drops_total{reason="${reason}"}`)).toBe(0);
    }
  });

  it('adds up the batches of threads, in seconds', async () => {
    const metrics = new Metrics();
    const collector = new TelemetryCollector();
    for (let i = 0; i < 2; i++) {
      collector.drop('superseded', 2);
      collector.count('late-audio');
      collector.observe('event-loop-lag', 4);
      collector.observe('event-loop-lag', 40);
      metrics.add(collector.take());
    }
    const text = await metrics.text();
    expect(reading(text, 'avsac_drops_total{reason="superseded"}')).toBe(4);
    expect(reading(text, 'avsac_late_audio_total')).toBe(2);
    expect(reading(text, 'avsac_event_loop_lag_seconds_count')).toBe(4);
    expect(reading(text, 'avsac_event_loop_lag_seconds_sum')).toBeCloseTo(0.088, 9);
    expect(reading(text, 'avsac_event_loop_lag_seconds_bucket{le="0.005"}')).toBe(2);
  });

  it('shows sessions, runs of the model and its queue', async () => {
    const metrics = new Metrics();
    metrics.sessions(3);
    metrics.sessionEnded('client-left');
    metrics.batch(4, 50);
    metrics.queueDepth(2);
    const text = await metrics.text();
    expect(reading(text, 'avsac_sessions')).toBe(3);
    expect(reading(text, 'avsac_session_ends_total{reason="client-left"}')).toBe(1);
    expect(reading(text, 'avsac_batch_frames_sum')).toBe(4);
    expect(reading(text, 'avsac_batch_seconds_sum')).toBe(0.05);
    expect(reading(text, 'avsac_segment_queue')).toBe(2);
  });

  it('exposes the process’s own metrics', async () => {
    const metrics = new Metrics();
    expect(metrics.contentType).toContain('version=0.0.4');
    expect(reading(await metrics.text(), 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });
});
