import { EMPTY, map, NEVER, of, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { latestWhileBusy } from './latest-while-busy.ts';

const marbles = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));

describe('latestWhileBusy', () => {
  it('does not stall when an inner Observable completes synchronously', () => {
    marbles().run(({ cold, expectObservable }) => {
      const source$ = cold('a-b-c-d|');
      expectObservable(
        source$.pipe(
          latestWhileBusy(
            (value) => of(value),
            () => {},
          ),
        ),
      ).toBe('a-b-c-d|');
    });
  });

  it('does not stall when an inner Observable completes synchronously without a value', () => {
    marbles().run(({ cold, expectObservable }) => {
      const source$ = cold('a-b-c|');
      const project = (value: string) => (value === 'b' ? of(value) : EMPTY);
      expectObservable(source$.pipe(latestWhileBusy(project, () => {}))).toBe('--b--|');
    });
  });

  it('goes on when a value arrives while a synchronous inner is emitting', () => {
    const source$ = new Subject<number>();
    const seen: number[] = [];
    source$
      .pipe(
        latestWhileBusy(
          (value) => of(value),
          () => {},
        ),
      )
      .subscribe((value) => {
        seen.push(value);
        if (value < 3) source$.next(value + 1);
      });
    source$.next(0);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('runs the newest value that came while busy and hands back the others', () => {
    marbles().run(({ cold, flush, expectObservable }) => {
      const superseded: string[] = [];
      const source$ = cold('  abc---d|');
      const inner$ = cold('   ----x|');
      const expected = '      ----a----c----d|';
      const result$ = source$.pipe(
        latestWhileBusy(
          (value) => inner$.pipe(map(() => value)),
          (value) => superseded.push(value),
        ),
      );
      expectObservable(result$).toBe(expected);
      flush();
      expect(superseded).toEqual(['b']);
    });
  });

  it('hands back the waiting value when unsubscribed', () => {
    const source$ = new Subject<string>();
    const superseded: string[] = [];
    const subscription = source$
      .pipe(
        latestWhileBusy(
          () => NEVER,
          (value) => superseded.push(value),
        ),
      )
      .subscribe();
    source$.next('running');
    source$.next('waiting');
    subscription.unsubscribe();
    expect(superseded).toEqual(['waiting']);
  });

  it('passes on the error of an inner Observable', () => {
    marbles().run(({ cold, expectObservable }) => {
      const source$ = cold('a-b|');
      expectObservable(
        source$.pipe(
          latestWhileBusy(
            () => cold<string>('-#'),
            () => {},
          ),
        ),
      ).toBe('-#');
    });
  });
});
