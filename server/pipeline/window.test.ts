import { map, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { freeInputs, pairOf, poolOf } from '../../test/fixtures/flow.ts';
import type { Window } from './flow.ts';
import { releaseWindow, slideWindow } from './window.ts';

const marbles = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));

describe('slideWindow', () => {
  it.each([
    [1, { v: [1], w: [2], x: [3], y: [4] }],
    [3, { v: [1], w: [1, 2], x: [1, 2, 3], y: [2, 3, 4] }],
  ])('of length %i grows to it and slides by one', (length, expected) => {
    marbles().run(({ hot, expectObservable }) => {
      const pool = poolOf(4);
      const pairs = { a: pairOf(pool, 1), b: pairOf(pool, 2), c: pairOf(pool, 3), d: pairOf(pool, 4) };
      const times$ = hot('a-bc-d|', pairs).pipe(
        slideWindow(length),
        map((window) => window.pairs.map(({ captureTimeMs }) => captureTimeMs)),
      );
      expectObservable(times$).toBe('v-wx-y|', expected);
    });
  });

  it('passes on the error of its source', () => {
    marbles().run(({ cold, expectObservable }) => {
      expectObservable(cold<never>('--#').pipe(slideWindow(2))).toBe('--#');
    });
  });

  it.each(['complete', 'unsubscribe'] as const)('keeps the pairs of its window only, and none after %s', (end) => {
    const pool = poolOf(4);
    const pairs$ = new Subject<ReturnType<typeof pairOf>>();
    const windows: Window[] = [];
    const subscription = pairs$.pipe(slideWindow(2)).subscribe((window) => windows.push(window));
    for (const timeMs of [1, 2, 3]) pairs$.next(pairOf(pool, timeMs));
    // The emitted windows hold all three, whatever the operator has let go.
    expect(freeInputs(pool)).toBe(1);
    for (const window of windows) releaseWindow(window);
    expect(freeInputs(pool)).toBe(2);
    if (end === 'complete') pairs$.complete();
    else subscription.unsubscribe();
    expect(freeInputs(pool)).toBe(4);
  });
});
