/** When a packet of a file is sent: at the file's own pace, or as fast as its masks come back. */

/** How far media is ahead of the newest mask, ms: the next frame that is due and the one after it, at 10 masks a second. */
const AHEAD_MS = 250;
/** The same in masks, when the server makes fewer. */
const AHEAD_MASKS = 1.5;
/** A mask that has not come by then will not: it was dropped, or none was due. */
const GIVE_UP_MS = 1000;

/** No pace but the file's own. */
export class OwnPace {
  readonly #startMs = performance.now();

  /** Resolves when media of that moment is to be sent. @param dueMs since the beginning of the file. */
  async reach(dueMs: number): Promise<void> {
    await wait(dueMs - (performance.now() - this.#startMs));
  }

  /** A mask of that moment has come. */
  masked(_presentationTimeMs: number): void {}
}

/** As fast as the server takes it: faster than the file's own pace where there is power to spare, slower where there is none. */
export class MaskedPace {
  #maskedMs = 0;
  #aheadMs = AHEAD_MS;
  #wake = () => {};

  async reach(dueMs: number): Promise<void> {
    while (dueMs > this.#maskedMs + this.#aheadMs) {
      const masked = await wait(GIVE_UP_MS, (wake) => {
        this.#wake = wake;
      });
      if (!masked) this.#maskedMs = dueMs;
    }
  }

  masked(presentationTimeMs: number): void {
    const sinceLastMs = presentationTimeMs - this.#maskedMs;
    if (sinceLastMs <= 0) return;
    this.#aheadMs = Math.max(AHEAD_MS, AHEAD_MASKS * sinceLastMs);
    this.#maskedMs = presentationTimeMs;
    this.#wake();
  }
}

/** @returns true when woken before the time was over. */
async function wait(ms: number, wakeable: (wake: () => void) => void = () => {}): Promise<boolean> {
  if (ms <= 0) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  wakeable(() => resolve(true));
  return promise.finally(() => clearTimeout(timer));
}
