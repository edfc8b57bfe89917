/** Mean time from a window to its answer, of all sessions that share it. */

/** Answers of so long count as one: sessions that are many must not forget sooner than one alone. */
const SLOT_MS = 100;
/** Weight of the newest slot in the mean: a single slow one does not halve the rate, ten do what they must. */
const NEWEST_WEIGHT = 0.1;

export class MeanTurnaround {
  #meanMs: number | undefined;
  #slot = { startMs: Number.NEGATIVE_INFINITY, sumMs: 0, answers: 0 };

  /** Undefined before the first answer. */
  get ms(): number | undefined {
    return this.#meanMs;
  }

  /** @param nowMs time of the answer, on any clock that does not jump. */
  answered(turnaroundMs: number, nowMs: number): void {
    const slot = this.#slot;
    slot.sumMs += turnaroundMs;
    slot.answers++;
    if (nowMs < slot.startMs + SLOT_MS) return;
    const slotMs = slot.sumMs / slot.answers;
    this.#meanMs = this.#meanMs === undefined ? slotMs : this.#meanMs + NEWEST_WEIGHT * (slotMs - this.#meanMs);
    this.#slot = { startMs: nowMs, sumMs: 0, answers: 0 };
  }
}
