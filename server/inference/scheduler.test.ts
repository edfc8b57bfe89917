import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchLimits, type Schedulable, Scheduler } from './scheduler.ts';

interface Request extends Schedulable {
  readonly id: number;
}
const request = (id: number, sessionId: string, frames = 1, deadlineMs = Number.POSITIVE_INFINITY): Request => ({
  id,
  sessionId,
  frames,
  deadlineMs,
});
const ids = (requests: readonly Request[]): number[] => requests.map(({ id }) => id);
const upTo = (frames: number, requests = frames): BatchLimits => ({ frames, requests });

describe('Scheduler', () => {
  it('serves in order of arrival, across sessions, up to a batch', () => {
    const scheduler = new Scheduler<Request>();
    for (const [id, session] of ['a', 'b', 'c'].entries()) scheduler.enqueue(request(id, session));
    expect(ids(scheduler.take(0, upTo(2)).batch)).toEqual([0, 1]);
    expect(ids(scheduler.take(0, upTo(2)).batch)).toEqual([2]);
    expect(scheduler.take(0, upTo(2))).toEqual({ batch: [], expired: [] });
  });

  it('lets the newest of a session win, in the place of the older', () => {
    const scheduler = new Scheduler<Request>();
    scheduler.enqueue(request(0, 'a'));
    scheduler.enqueue(request(1, 'b'));
    expect(scheduler.enqueue(request(2, 'a'))?.id).toBe(0);
    expect(scheduler.depth).toBe(2);
    expect(ids(scheduler.take(0, upTo(1)).batch)).toEqual([2]);
  });

  it('drops at dequeue what is past its deadline, and not at it', () => {
    const scheduler = new Scheduler<Request>();
    scheduler.enqueue(request(0, 'late', 1, 99));
    scheduler.enqueue(request(1, 'just', 1, 100));
    const { batch, expired } = scheduler.take(100, upTo(4));
    expect(ids(batch)).toEqual([1]);
    expect(ids(expired)).toEqual([0]);
  });

  it('never splits a request, and runs one that is larger than a batch alone', () => {
    const scheduler = new Scheduler<Request>();
    for (const [id, frames] of [3, 2, 1, 5].entries()) scheduler.enqueue(request(id, `s${id}`, frames));
    expect(ids(scheduler.take(0, upTo(4)).batch)).toEqual([0]);
    expect(ids(scheduler.take(0, upTo(4)).batch)).toEqual([1, 2]);
    expect(ids(scheduler.take(0, upTo(4)).batch)).toEqual([3]);
  });

  it('gives a model that mixes frames one request at a time', () => {
    const scheduler = new Scheduler<Request>();
    scheduler.enqueue(request(0, 'a', 5));
    scheduler.enqueue(request(1, 'b', 5));
    expect(ids(scheduler.take(0, upTo(16, 1)).batch)).toEqual([0]);
  });

  it('forgets a session that leaves', () => {
    const scheduler = new Scheduler<Request>();
    scheduler.enqueue(request(0, 'a'));
    expect(scheduler.leave('a')?.id).toBe(0);
    expect(scheduler.leave('a')).toBeUndefined();
    expect(scheduler.take(0, upTo(4)).batch).toEqual([]);
  });
});

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('enqueue' as const),
      session: fc.integer({ min: 0, max: 5 }),
      frames: fc.integer({ min: 1, max: 6 }),
      patienceMs: fc.integer({ min: 0, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), session: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('take' as const), afterMs: fc.integer({ min: 0, max: 40 }) }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

describe('Scheduler, whatever happens', () => {
  it('answers every request exactly once, newest of a session, within its deadline, in bounded batches', () => {
    const property = (operations: Operation[], maxFrames: number, maxRequests: number) => {
      const scheduler = new Scheduler<Request>();
      const newest = new Map<string, number>();
      const answered: number[] = [];
      let nowMs = 0;
      let made = 0;
      for (const step of operations) {
        if (step.kind === 'enqueue') {
          const next = request(made++, `s${step.session}`, step.frames, nowMs + step.patienceMs);
          const superseded = scheduler.enqueue(next);
          if (superseded !== undefined) {
            expect(superseded).toMatchObject({ sessionId: next.sessionId, id: newest.get(next.sessionId) });
            answered.push(superseded.id);
          }
          newest.set(next.sessionId, next.id);
        } else if (step.kind === 'leave') {
          const dropped = scheduler.leave(`s${step.session}`);
          if (dropped !== undefined) answered.push(dropped.id);
        } else {
          nowMs += step.afterMs;
          const { batch, expired } = scheduler.take(nowMs, upTo(maxFrames, maxRequests));
          answered.push(...ids(batch), ...ids(expired));
          for (const { deadlineMs } of expired) expect(deadlineMs).toBeLessThan(nowMs);
          for (const { deadlineMs, sessionId, id } of batch) {
            expect(deadlineMs).toBeGreaterThanOrEqual(nowMs);
            expect(id).toBe(newest.get(sessionId));
          }
          const frames = batch.reduce((sum, { frames }) => sum + frames, 0);
          expect(batch.length).toBeLessThanOrEqual(maxRequests);
          if (batch.length > 1) expect(frames).toBeLessThanOrEqual(maxFrames);
          if (batch.length === 0) expect(scheduler.depth).toBe(0);
        }
        expect(scheduler.depth).toBeLessThanOrEqual(6);
      }
      answered.push(...ids(scheduler.drain()));
      expect(scheduler.depth).toBe(0);
      expect(answered.sort((a, b) => a - b)).toEqual(Array.from({ length: made }, (_, id) => id));
    };
    const sizes = fc.integer({ min: 1, max: 16 });
    fc.assert(fc.property(fc.array(operation, { maxLength: 120 }), sizes, sizes, property), { numRuns: 300 });
  });

  it('starves nobody: a waiting session is served within as many batches as hold every session once', () => {
    // In each round some sessions send, the greedy ones many times; then one batch runs.
    const rounds = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }), { maxLength: 60 });
    const property = (sends: number[][], maxFrames: number): void => {
      const scheduler = new Scheduler<Request>();
      const waitedBatches = new Map<string, number>();
      let id = 0;
      for (const round of sends) {
        for (const session of round) {
          scheduler.enqueue(request(id++, `s${session}`));
          if (!waitedBatches.has(`s${session}`)) waitedBatches.set(`s${session}`, 0);
        }
        for (const { sessionId } of scheduler.take(0, upTo(maxFrames)).batch) waitedBatches.delete(sessionId);
        for (const [session, batches] of waitedBatches) {
          waitedBatches.set(session, batches + 1);
          expect(batches + 1).toBeLessThan(Math.ceil(10 / maxFrames));
        }
      }
    };
    fc.assert(fc.property(rounds, fc.integer({ min: 1, max: 16 }), property));
  });
});
