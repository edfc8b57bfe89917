/** Operator: the newest pair with the T - 1 before it, sliding by one. */
import { Observable, type OperatorFunction } from 'rxjs';
import type { Pair, Window } from './flow.ts';

/**
 * @param length T, at least 1. The first windows are shorter, so that the first mask need not wait for T samples.
 * Every emitted window owns one lease of each of its pairs, beside the operator's own.
 * @example
 * // length 2   pairs: a      b        c
 * //          windows: [a]    [a, b]   [b, c]
 */
export function slideWindow(length: number): OperatorFunction<Pair, Window> {
  return (pairs$) =>
    new Observable<Window>((subscriber) => {
      const pairs: Pair[] = [];
      subscriber.add(() => {
        for (const pair of pairs) pair.lease.release();
      });
      subscriber.add(
        pairs$.subscribe({
          next: (pair) => {
            pairs.push(pair);
            if (pairs.length > length) pairs.shift()!.lease.release();
            for (const held of pairs) held.lease.retain();
            subscriber.next({ pairs: [...pairs] });
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
    });
}

export function releaseWindow(window: Window): void {
  for (const pair of window.pairs) pair.lease.release();
}
