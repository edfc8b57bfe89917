/** When a session asks for masks: as often as is answered, and not when others do. */
import type { MeanTurnaround } from './mean-turnaround.ts';
import { SampleTurn } from './sample-turn.ts';

/** Below this nothing is followed any more, however short the queue. */
export const MIN_MASK_RATE_HZ = 1;
/** Share of the time between two windows that an answer may take; the rest keeps queues short. */
const BUSY_SHARE = 0.9;
/**
 * How much more a wait for the model slows down than a run of it. With N sessions that are served X times a second in all, the
 * time between two windows of one is N / X whatever is asked for: the more of it a wait counts for, the shorter the wait.
 */
const WAIT_WEIGHT = 3;
/** A wait that nobody sees, ms: to avoid it, few sessions that ask for all there is would leave the model idle. */
const UNSEEN_WAIT_MS = 20;
/** What the operators know of it. */
export interface MaskTurns {
  /** Asked once for each frame. @returns true when it is to get a mask. */
  due(captureTimeMs: number): boolean;
  /**
   * @param turnaroundMs time from the window being ready to its logits; of a window without an answer, the longest wait.
   * @param queueMs how much of it the window waited for the model.
   * @param nowMs `performance.now()`.
   */
  answered(turnaroundMs: number, queueMs: number, nowMs: number): void;
}

/**
 * The rate follows the mean time from a window to its answer, of which the wait for the model counts more than once. Sessions
 * that share a machine wait in the same queue; they share the mean, so that their rates are equal, and when it lengthens all of
 * them slow down. A wait that can be seen also puts off the session's next window by as much: its turn then comes when the model
 * is free, and sessions whose turns fell together fall into step, one after the other.
 */
export class MaskRate implements MaskTurns {
  readonly #maxHz: number;
  readonly #turnarounds: MeanTurnaround;
  readonly #turn = new SampleTurn();

  /**
   * @param maxHz masks a second aimed at when the machine is idle, at least {@link MIN_MASK_RATE_HZ}.
   * @param turnarounds with their waits weighted; shared by sessions that wait in the same queue.
   */
  constructor(maxHz: number, turnarounds: MeanTurnaround) {
    this.#maxHz = maxHz;
    this.#turnarounds = turnarounds;
  }

  /** Masks a second asked for now. */
  get hz(): number {
    const { ms } = this.#turnarounds;
    if (ms === undefined) return this.#maxHz;
    return Math.min(this.#maxHz, Math.max(MIN_MASK_RATE_HZ, (1000 * BUSY_SHARE) / ms));
  }

  due(captureTimeMs: number): boolean {
    return this.#turn.take(captureTimeMs, this.hz);
  }

  answered(turnaroundMs: number, queueMs: number, nowMs: number): void {
    const waitMs = Math.max(0, queueMs - UNSEEN_WAIT_MS);
    this.#turnarounds.answered(turnaroundMs + (WAIT_WEIGHT - 1) * waitMs, nowMs);
    this.#turn.delay(waitMs);
  }
}
