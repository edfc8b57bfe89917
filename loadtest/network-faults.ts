/** What a run does to the packets of its own publishers, each way. */

export interface NetworkFaults {
  /** Share of datagrams lost, 0..1. */
  readonly loss: number;
  /** Added to every datagram, ms. */
  readonly delayMs: number;
  /** Added on top, evenly drawn from 0 up to this, ms; datagrams may overtake each other. */
  readonly jitterMs: number;
}

/** Nothing passes in this time; ms since the Unix epoch. */
export interface Blackout {
  readonly startMs: number;
  readonly endMs: number;
}
