/** The model inputs of one session: allocated once, lent and returned. */
import type { ModelInput } from '../inference/segmenter.ts';

/** Shared ownership of one model input; the last release returns it to its pool. */
export interface InputLease {
  readonly input: ModelInput;
  retain(): void;
  release(): void;
}

export class InputPool {
  readonly #free: ModelInput[];

  /** @param inputs every input of the session; their number bounds what is in flight. */
  constructor(inputs: readonly ModelInput[]) {
    this.#free = [...inputs];
  }

  /** @returns an input with one owner, undefined when all are lent. */
  acquire(): InputLease | undefined {
    const input = this.#free.pop();
    if (!input) return undefined;
    let owners = 1;
    return {
      input,
      retain: () => {
        owners++;
      },
      release: () => {
        if (--owners === 0) this.#free.push(input);
        if (owners < 0) throw new RangeError('a model input was released more often than retained');
      },
    };
  }
}
