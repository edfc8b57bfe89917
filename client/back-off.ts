/** Waiting time before an attempt to reconnect. */
export interface BackOffOptions {
  /** Upper bound of the first wait, ms. */
  readonly firstMs: number;
  /** Upper bound of every wait, ms. */
  readonly ceilingMs: number;
}

export const BACK_OFF_DEFAULTS = { firstMs: 500, ceilingMs: 15_000 } as const satisfies BackOffOptions;

/**
 * Exponential back-off with equal jitter: half the bound is sure, half is drawn, so that clients which lost the same
 * server do not return in the same instant, and none hammers it.
 * @param attempt 0 for the first.
 * @param random in [0, 1).
 * @returns ms in [bound / 2, bound), bound = min(ceiling, first * 2^attempt).
 */
export function backOffMs(attempt: number, random: number, options: BackOffOptions = BACK_OFF_DEFAULTS): number {
  const bound = Math.min(options.ceilingMs, options.firstMs * 2 ** Math.min(attempt, 30));
  return (bound * (1 + random)) / 2;
}
