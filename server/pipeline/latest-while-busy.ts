/** Operator: one inner Observable at a time; of the values that arrive meanwhile only the newest is kept. */
import { from, Observable, type ObservableInput, type OperatorFunction } from 'rxjs';

/**
 * Source values that find an inner Observable running wait in a queue of one; a newer value takes the place of the one
 * waiting. When the inner completes, the waiting value is projected. Unlike `throttle` with `exhaustMap` this does not
 * stall when an inner completes synchronously: the busy flag is set before subscribing and the queue is drained in a loop.
 *
 * @param project makes the inner Observable of a value.
 * @param superseded receives each value that was replaced before its turn, and the waiting one when unsubscribed.
 * @example
 * // source: a b c      inner of a lasts until c has come
 * // projected: a, c    superseded: b
 */
export function latestWhileBusy<T, R>(
  project: (value: T) => ObservableInput<R>,
  superseded: (value: T) => void,
): OperatorFunction<T, R> {
  return (source$) =>
    new Observable<R>((subscriber) => {
      let busy = false;
      let sourceDone = false;
      let waiting: { readonly value: T } | undefined;

      const drain = () => {
        while (!busy && waiting && !subscriber.closed) {
          const { value } = waiting;
          waiting = undefined;
          busy = true;
          let inner$: Observable<R>;
          try {
            inner$ = from(project(value));
          } catch (error) {
            subscriber.error(error);
            return;
          }
          let synchronous = true;
          subscriber.add(
            inner$.subscribe({
              next: (result) => subscriber.next(result),
              error: (error) => subscriber.error(error),
              complete: () => {
                busy = false;
                if (!synchronous) drain();
              },
            }),
          );
          synchronous = false;
        }
        if (!busy && !waiting && sourceDone) subscriber.complete();
      };

      subscriber.add(() => {
        if (waiting) superseded(waiting.value);
        waiting = undefined;
      });
      subscriber.add(
        source$.subscribe({
          next: (value) => {
            if (waiting) superseded(waiting.value);
            waiting = { value };
            drain();
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            sourceDone = true;
            drain();
          },
        }),
      );
    });
}
