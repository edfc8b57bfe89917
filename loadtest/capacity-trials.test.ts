import { expect, it } from 'vitest';
import { findCapacity } from './capacity-trials.ts';
import { exampleRecord } from './example-run.ts';
import { OBJECTIVE } from './objective.ts';
import { figuresOf } from './run-figures.ts';

/** A server that gives 39 masks a second to whoever comes, at most 10 to each. */
const load = async (streams: number) =>
  figuresOf(
    exampleRecord({
      durationMs: 4000,
      streams: Array.from({ length: streams }, () => ({
        masksPerSecond: Math.min(10, 39 / streams),
        latencyMs: () => 60,
      })),
      cores: { inference: Math.min(1.9, 0.25 * streams) },
    }),
    OBJECTIVE,
  );

it('names the most streams that are served well, and what more would lack', async () => {
  const told: string[] = [];
  const { capacity, run } = await findCapacity(
    async (streams, progress) => {
      progress(0.5, 'measuring');
      return load(streams);
    },
    (_share, phase) => told.push(phase),
  );
  expect(capacity.streams).toBe(7);
  expect(capacity.trials.map(({ streams }) => streams)).toEqual([1, 2, 4, 8, 6, 7]);
  expect(capacity.verdict).toMatch(/^With 8, .*masks\/s.* CPU of the model/);
  expect(capacity.overload).toMatchObject({ streams: 11 });
  expect(run.streamsAsked).toBe(7);
  expect(told[0]).toBe('capacity >= 0: 1 streams, measuring');
  expect(told[4]).toBe('capacity 4 to 7, 2 trials left: 6 streams, measuring');
});

it('does not count streams whose masks are wrong', async () => {
  const { capacity } = await findCapacity(
    async (streams) => {
      const stream = { masksPerSecond: 10, latencyMs: () => 60, iou: streams > 4 ? 0.7 : 0.8 };
      return figuresOf(
        exampleRecord({ durationMs: 4000, streams: Array.from({ length: streams }, () => stream) }),
        OBJECTIVE,
      );
    },
    () => {},
  );
  expect(capacity.streams).toBe(4);
  expect(capacity.verdict).toMatch(/^With 5, IoU was 0.100 lower than with fewer streams/);
});
