import { describe, expect, it } from 'vitest';
import { TelemetryCollector, teeTelemetry } from './telemetry.ts';

const EMPTY = { drops: {}, counts: {}, observations: {} };

describe('TelemetryCollector', () => {
  it('collects until taken, then starts anew', () => {
    const collector = new TelemetryCollector();
    expect(collector.take()).toEqual(EMPTY);
    collector.drop('superseded');
    collector.drop('superseded', 2);
    collector.count('masks');
    collector.count('masks', 4);
    collector.observe('total', 20);
    collector.observe('total', 30);
    const batch = collector.take();
    expect(batch).toEqual({ drops: { superseded: 3 }, counts: { masks: 5 }, observations: { total: [20, 30] } });
    expect(collector.take()).toEqual(EMPTY);
    collector.drop('closed');
    expect(batch.drops).toEqual({ superseded: 3 });
  });
});

describe('teeTelemetry', () => {
  it('hands everything to each receiver', () => {
    const receivers = [new TelemetryCollector(), new TelemetryCollector()];
    const tee = teeTelemetry(...receivers);
    tee.drop('deadline');
    tee.drop('deadline', 2);
    tee.count('frames', 3);
    tee.count('frames');
    tee.observe('skew', 1);
    const expected = { drops: { deadline: 3 }, counts: { frames: 4 }, observations: { skew: [1] } };
    expect(receivers.map((receiver) => receiver.take())).toEqual([expected, expected]);
  });
});
