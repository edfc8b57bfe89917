import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MaskRate, MIN_MASK_RATE_HZ } from './mask-rate.ts';
import { MeanTurnaround } from './mean-turnaround.ts';

const alone = (maxHz: number) => new MaskRate(maxHz, new MeanTurnaround());

describe('MaskRate', () => {
  /** Answers 100 ms apart. */
  function answer(rate: MaskRate, turnaroundMs: number, times: number, fromMs = 0): void {
    for (let i = 0; i < times; i++) rate.answered(turnaroundMs, 0, fromMs + 100 * i);
  }

  it('starts at the rate aimed at and stays there while answers come in time', () => {
    const rate = alone(10);
    expect(rate.hz).toBe(10);
    answer(rate, 50, 100);
    expect(rate.hz).toBe(10);
  });

  it('asks for fewer than are answered when answers take longer than their turn, and for more again after', () => {
    const rate = alone(10);
    answer(rate, 200, 50);
    expect(rate.hz).toBeCloseTo(4.5, 2);
    answer(rate, 50, 50, 5000);
    expect(rate.hz).toBe(10);
  });

  it('is not halved by one slow answer', () => {
    const rate = alone(10);
    answer(rate, 50, 50);
    answer(rate, 400, 1, 5000);
    expect(rate.hz).toBeGreaterThan(5);
  });

  it('puts off the next window by what one waited for the model beyond 20 ms', () => {
    const rate = alone(10);
    const due = (timesMs: readonly number[]) => timesMs.filter((timeMs) => rate.due(timeMs));
    expect(due([0, 20, 40])).toEqual([0]);
    rate.answered(40, 20, 40);
    expect(due([60, 80, 100])).toEqual([100]);
    rate.answered(50, 40, 150);
    expect(due([120, 140, 160, 180, 200, 220, 240, 260, 280, 300, 320])).toEqual([220, 320]);
  });

  it('stays between 1 and the rate aimed at, whatever happens', () => {
    const turnarounds = fc.array(fc.double({ min: 0, max: 2000, noNaN: true }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), turnarounds, (maxHz, answers) => {
        const rate = alone(maxHz);
        for (const [i, turnaroundMs] of answers.entries()) {
          rate.answered(turnaroundMs, 0, 40 * i);
          expect(rate.hz).toBeGreaterThanOrEqual(MIN_MASK_RATE_HZ);
          expect(rate.hz).toBeLessThanOrEqual(maxHz);
        }
      }),
    );
  });
});

interface SimulatedSession {
  readonly rate: MaskRate;
  readonly leavesMs: number;
  nextFrameMs: number;
  waiting: boolean;
  startedMs: number;
  answersMs: number[];
  waitsMs: number[];
  superseded: number;
}

/**
 * Sessions of 30 frames a second on a machine that answers one window at a time, in order; each has one window there and one waiting.
 * @param joinsMs when each session joins.
 * @param leavesMs when the odd ones leave.
 */
function simulate(
  joinsMs: readonly number[],
  serviceMs: number,
  untilMs: number,
  { leavesMs = Number.POSITIVE_INFINITY, maxHz = 10 } = {},
) {
  const turnarounds = new MeanTurnaround();
  const sessions = joinsMs.map(
    (joinMs, i): SimulatedSession => ({
      rate: new MaskRate(maxHz, turnarounds),
      leavesMs: i % 2 === 1 ? leavesMs : Number.POSITIVE_INFINITY,
      nextFrameMs: joinMs,
      waiting: false,
      startedMs: Number.NaN,
      answersMs: [],
      waitsMs: [],
      superseded: 0,
    }),
  );
  const queue: SimulatedSession[] = [];
  let freeMs = 0;
  const start = (session: SimulatedSession, nowMs: number) => {
    session.waiting = false;
    session.startedMs = nowMs;
    queue.push(session);
  };
  for (let nowMs = 0; nowMs < untilMs; nowMs++) {
    const served = queue[0];
    if (served && nowMs >= freeMs) {
      queue.shift();
      const queueMs = nowMs - served.startedMs - serviceMs;
      served.rate.answered(nowMs - served.startedMs, queueMs, nowMs);
      served.waitsMs.push(queueMs);
      served.answersMs.push(nowMs);
      served.startedMs = Number.NaN;
      if (served.waiting) start(served, nowMs);
      freeMs = nowMs + serviceMs;
    }
    for (const session of sessions) {
      if (nowMs < session.nextFrameMs || nowMs >= session.leavesMs) continue;
      session.nextFrameMs += 1000 / 30;
      if (!session.rate.due(nowMs)) continue;
      if (queue.length === 0) freeMs = nowMs + serviceMs;
      if (Number.isNaN(session.startedMs)) {
        start(session, nowMs);
      } else {
        if (session.waiting) session.superseded++;
        session.waiting = true;
      }
    }
  }
  return sessions;
}

const between = (timesMs: readonly number[], fromMs: number, toMs: number) =>
  timesMs.filter((timeMs) => timeMs >= fromMs && timeMs < toMs).length;

describe('sessions that share a machine', () => {
  it.each([
    [4, 40],
    [8, 20],
    [8, 40],
    [3, 100],
  ])('%i of them at %i ms a window end at equal rates that use it whole', (count, serviceMs) => {
    const joinsMs = Array.from({ length: count }, (_, i) => (i % 2) * 20_000 + 7 * i);
    const sessions = simulate(joinsMs, serviceMs, 60_000);
    const equalHz = 1000 / serviceMs / count;
    for (const { answersMs, waitsMs, superseded } of sessions) {
      const hz = between(answersMs, 40_000, 60_000) / 20;
      expect(hz / equalHz).toBeGreaterThan(0.97);
      expect(hz / equalHz).toBeLessThan(1.03);
      // The rate follows, rather than asking for windows that are thrown away.
      expect(superseded / answersMs.length).toBeLessThan(0.1);
      // Were each to ask again as soon as it is answered, it would wait for all the others.
      const waits = waitsMs.slice(-50);
      expect(waits.reduce((sum, wait) => sum + wait, 0) / waits.length).toBeLessThan(0.45 * (count - 1) * serviceMs);
    }
  });

  it('keep the model busy when two ask for all there is', () => {
    const sessions = simulate([0, 25], 18, 60_000, { maxHz: 30 });
    const answers = sessions.flatMap(({ answersMs }) => answersMs);
    expect((between(answers, 20_000, 60_000) / 40) * 0.018).toBeGreaterThan(0.95);
  });

  it('rise again when others leave', () => {
    const [staying] = simulate([0, 5, 10, 15], 40, 60_000, { leavesMs: 30_000 });
    expect(between(staying!.answersMs, 20_000, 30_000) / 10).toBeLessThan(7);
    expect(between(staying!.answersMs, 50_000, 60_000) / 10).toBeGreaterThan(9.5);
  });
});
