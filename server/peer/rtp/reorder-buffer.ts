/** Puts the packets of one stream back into sending order. */
import type { RtpPacket } from './rtp-packet.ts';

/** Packets held while one before them is missing: 2.5 s of a 5 Mbit/s stream. A power of two. */
export const REORDER_CAPACITY = 1024;

/** A ring keyed by unwrapped sequence number; bounded, allocates nothing in use. */
export class ReorderBuffer {
  readonly #ring: (RtpPacket | undefined)[] = new Array<RtpPacket | undefined>(REORDER_CAPACITY).fill(undefined);
  #next: number;
  #held = 0;

  /** @param next unwrapped sequence number of the first packet to hand out. */
  constructor(next: number) {
    this.#next = next;
  }

  /** Unwrapped sequence number of the packet to be handed out next. */
  get next(): number {
    return this.#next;
  }

  get held(): number {
    return this.#held;
  }

  /** @returns false for a duplicate, one that was given up, or one too far ahead to hold. */
  insert(sequence: number, packet: RtpPacket): boolean {
    if (sequence < this.#next || sequence >= this.#next + REORDER_CAPACITY) return false;
    const slot = sequence & (REORDER_CAPACITY - 1);
    if (this.#ring[slot] !== undefined) return false;
    this.#ring[slot] = packet;
    this.#held++;
    return true;
  }

  /** @returns the next packet in order, or undefined while it is missing. */
  take(): RtpPacket | undefined {
    const slot = this.#next & (REORDER_CAPACITY - 1);
    const packet = this.#ring[slot];
    if (packet === undefined) return undefined;
    this.#ring[slot] = undefined;
    this.#held--;
    this.#next++;
    return packet;
  }

  /** Moves on to `next`, dropping what is held before it. */
  skipTo(next: number): void {
    if (next - this.#next >= REORDER_CAPACITY) {
      this.#ring.fill(undefined);
      this.#held = 0;
      this.#next = next;
    }
    for (; this.#next < next; this.#next++) {
      const slot = this.#next & (REORDER_CAPACITY - 1);
      if (this.#ring[slot] === undefined) continue;
      this.#ring[slot] = undefined;
      this.#held--;
    }
  }
}
