/** Negative acknowledgements: which packets are missing and when to ask for them (RFC 4585 §6.2.1). */
import { RTCP_TRANSPORT_FEEDBACK, writeRtcpHeader } from './rtcp.ts';

const FORMAT_NACK = 1;

/**
 * @param sequenceNumbers ascending in serial order, 16 bits each; at least one.
 * @returns the bytes of one generic NACK: each entry a packet id and a mask of the 16 that follow it.
 */
export function writeNack(senderSsrc: number, mediaSsrc: number, sequenceNumbers: readonly number[]): Uint8Array {
  const entries: { packetId: number; mask: number }[] = [];
  for (const sequenceNumber of sequenceNumbers) {
    const last = entries.at(-1);
    const distance = last === undefined ? 0 : (sequenceNumber - last.packetId) & 0xffff;
    if (last !== undefined && distance >= 1 && distance <= 16) last.mask |= 1 << (distance - 1);
    else entries.push({ packetId: sequenceNumber, mask: 0 });
  }
  const view = new DataView(new ArrayBuffer(12 + entries.length * 4));
  writeRtcpHeader(view, RTCP_TRANSPORT_FEEDBACK, FORMAT_NACK, senderSsrc);
  view.setUint32(8, mediaSsrc);
  entries.forEach(({ packetId, mask }, index) => {
    view.setUint16(12 + index * 4, packetId);
    view.setUint16(14 + index * 4, mask);
  });
  return new Uint8Array(view.buffer);
}

/** Packets asked for at a time; more missing means the path broke, and a key frame is the cheaper answer. */
export const MAX_MISSING = 256;
/** Times one packet is asked for. */
export const MAX_REQUESTS = 10;
/** Shortest time between two requests for one packet, ms: a loopback has no round trip to wait for. */
export const MIN_REQUEST_INTERVAL_MS = 20;

interface Missing {
  readonly sinceMs: number;
  lastRequestMs: number;
  requests: number;
}

/** Keeps the missing packets of one stream, by unwrapped sequence number. */
export class NackGenerator {
  readonly #missing = new Map<number, Missing>();

  get missingCount(): number {
    return this.#missing.size;
  }

  /**
   * A gap opened: packets `first` to `end - 1` have not arrived though `end` has.
   * @returns false when too many are missing to ask for; none of these is kept then.
   */
  open(first: number, end: number, nowMs: number): boolean {
    if (this.#missing.size + (end - first) > MAX_MISSING) return false;
    for (let sequence = first; sequence < end; sequence++) {
      this.#missing.set(sequence, { sinceMs: nowMs, lastRequestMs: Number.NEGATIVE_INFINITY, requests: 0 });
    }
    return true;
  }

  /** @returns true when the packet was missing, and had been asked for. */
  recover(sequence: number): boolean {
    const missing = this.#missing.get(sequence);
    if (missing === undefined) return false;
    this.#missing.delete(sequence);
    return missing.requests > 0;
  }

  /** Forgets everything before `sequence`. @returns how many that were. */
  forgetBefore(sequence: number): number {
    let forgotten = 0;
    for (const key of this.#missing.keys()) {
      if (key >= sequence) continue;
      this.#missing.delete(key);
      forgotten++;
    }
    return forgotten;
  }

  /** The newest packet missing since before `deadlineMs`; undefined when none is that old. */
  newestMissingSince(deadlineMs: number): number | undefined {
    let newest: number | undefined;
    for (const [sequence, { sinceMs }] of this.#missing) {
      if (sinceMs <= deadlineMs && (newest === undefined || sequence > newest)) newest = sequence;
    }
    return newest;
  }

  /**
   * Packets to ask for now. One that was asked for is asked again after a round trip and a half, then later
   * each time by half a round trip more.
   * @returns 16-bit sequence numbers, ascending; they count as asked for.
   */
  due(nowMs: number, roundTripMs: number): number[] {
    const due: number[] = [];
    for (const [sequence, missing] of this.#missing) {
      if (missing.requests >= MAX_REQUESTS) continue;
      const waitMs = Math.max(MIN_REQUEST_INTERVAL_MS, roundTripMs * (1 + missing.requests / 2));
      if (nowMs - missing.lastRequestMs < waitMs) continue;
      missing.lastRequestMs = nowMs;
      missing.requests++;
      due.push(sequence);
    }
    return due.sort((a, b) => a - b).map((sequence) => sequence & 0xffff);
  }
}
