/** What a run does to the packets of its own publishers, each way. */

export interface NetworkFaults {
  /** Share of datagrams lost, 0..1. */
  readonly loss: number;
  /** Added to every datagram, ms. */
  readonly delayMs: number;
  /** Added on top, evenly drawn from 0 up to this, ms; datagrams may overtake each other. */
  readonly jitterMs: number;
  /** Nothing passes in this time; ms since the Unix epoch. */
  readonly blackout: { readonly startMs: number; readonly endMs: number } | undefined;
}

export const NO_FAULTS: NetworkFaults = { loss: 0, delayMs: 0, jitterMs: 0, blackout: undefined };

/**
 * @param random in [0, 1).
 * @returns the delay of a datagram sent at `nowMs`, ms; undefined when it is lost.
 */
export function fateOf(
  { loss, delayMs, jitterMs, blackout }: NetworkFaults,
  nowMs: number,
  random: () => number,
): number | undefined {
  if (blackout !== undefined && nowMs >= blackout.startMs && nowMs < blackout.endMs) return undefined;
  if (random() < loss) return undefined;
  return delayMs + jitterMs * random();
}
