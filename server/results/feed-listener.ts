/** One listener of a results feed: takes what its network takes, and never makes a session wait. */
import type { FeedLine } from '../../shared/results.ts';
import type { Notice } from '../../shared/signalling.ts';
import type { SessionWatcher } from '../session/session-registry.ts';

/** Where the lines of a listener go. */
export interface FeedSink {
  /** @param taken called when the line has left for the network, or never will. */
  write(type: FeedLine['type'], line: string, taken: () => void): void;
  /** The feed is over; ends the connection. */
  end(): void;
}

/** What a result may be early: they come with some jitter. */
const EARLY_MS = 20;

/**
 * While one result is on its way the newest waits, and takes the place of the one that waited before, which is dropped.
 * Notices and the end are few and go out at once.
 */
export class FeedListener implements SessionWatcher {
  readonly #sink: FeedSink;
  readonly #intervalMs: number;
  readonly #dropped: () => void;
  readonly #nowMs: () => number;
  #dueMs = Number.NEGATIVE_INFINITY;
  #busy = false;
  #waiting: string | undefined;
  #over = false;

  /**
   * @param rateHz results a second at most; undefined: all. Those in between are left out, not dropped.
   * @param dropped called for each result that the network was too slow for.
   */
  constructor(
    sink: FeedSink,
    rateHz: number | undefined,
    dropped: () => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#sink = sink;
    this.#intervalMs = rateHz === undefined ? 0 : 1000 / rateHz;
    this.#dropped = dropped;
    this.#nowMs = nowMs;
  }

  result(line: string): void {
    const nowMs = this.#nowMs();
    const lateMs = nowMs - this.#dueMs;
    if (this.#over || lateMs < -EARLY_MS) return;
    // From when it was due, so that the mean is kept; but a pause is not made up for.
    this.#dueMs = (lateMs > this.#intervalMs ? nowMs : this.#dueMs) + this.#intervalMs;
    if (this.#busy) {
      if (this.#waiting !== undefined) this.#dropped();
      this.#waiting = line;
    } else {
      this.#write(line);
    }
  }

  notice(notice: Notice): void {
    if (!this.#over) this.#sink.write('notice', JSON.stringify(notice satisfies FeedLine), () => {});
  }

  ended(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.write('end', JSON.stringify({ type: 'end', reason } satisfies FeedLine), () => {});
    this.#sink.end();
  }

  #write(line: string): void {
    this.#busy = true;
    this.#sink.write('result', line, () => {
      this.#busy = false;
      const next = this.#waiting;
      this.#waiting = undefined;
      if (next !== undefined && !this.#over) this.#write(next);
    });
  }
}
