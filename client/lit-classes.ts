/** Which classes are lit at the moment, steady enough to be read. */
import type { MaskMessage } from '../shared/mask-codec.ts';

/** How long a class counts as lit after its last mask, ms: as long as a mask is held, and names need time to be read. */
export const LINGER_MS = 1500;
/** Most classes named; the smallest beyond them are only counted. */
export const MAX_NAMED = 6;

export interface NamedClasses {
  /** Class indices, ascending. */
  readonly named: readonly number[];
  /** Classes lit beyond those. */
  readonly others: number;
}

export class LitClasses {
  readonly #lit = new Map<number, { pixels: number; lastMs: number }>();

  /** Takes the mask that is on view since `nowMs`, `performance.now()`. */
  add({ classes }: MaskMessage, nowMs: number): void {
    for (const { classIndex, runs } of classes) {
      // Runs alternate from unlit ones.
      const pixels = runs.reduce((sum, run, i) => sum + (i % 2) * run, 0);
      this.#lit.set(classIndex, { pixels, lastMs: nowMs });
    }
  }

  at(nowMs: number): NamedClasses {
    for (const [classIndex, { lastMs }] of this.#lit) if (nowMs - lastMs > LINGER_MS) this.#lit.delete(classIndex);
    const bySize = [...this.#lit].sort(([, a], [, b]) => b.pixels - a.pixels).map(([classIndex]) => classIndex);
    return {
      named: bySize.slice(0, MAX_NAMED).sort((a, b) => a - b),
      others: Math.max(0, bySize.length - MAX_NAMED),
    };
  }

  clear(): void {
    this.#lit.clear();
  }
}
