/**
 * Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): which packets of
 * the whole transport arrived when. The sender's bandwidth estimate is made from it.
 */
import { SerialUnwrapper } from '../../../shared/clock.ts';
import { RTCP_TRANSPORT_FEEDBACK, writeRtcpHeader } from './rtcp.ts';

export const TRANSPORT_WIDE_CC_URI = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';

const FORMAT_TRANSPORT_WIDE_CC = 15;
/** Feedback goes out at most this often, ms; libwebrtc's receiver spans 50 to 250. */
export const FEEDBACK_INTERVAL_MS = 50;
/** Arrivals kept between two feedbacks; a flood is reported early. */
const MAX_ARRIVALS = 400;
/** Packets one feedback spans and holds; a longer silence starts anew at the next arrival, without reporting the gap. */
const MAX_SPAN = 1000;

const TICK_US = 250;
const REFERENCE_TICKS = 256;
const HEADER_BYTES = 20;
const SYMBOLS_PER_CHUNK = 7;
const TWO_BIT_VECTOR_CHUNK = 0xc000;
const NOT_RECEIVED = 0;
const SMALL_DELTA = 1;
const LARGE_DELTA = 2;
const DELTA_MIN = -0x8000;
const DELTA_MAX = 0x7fff;

interface Arrival {
  /** Unwrapped transport-wide sequence number. */
  readonly sequence: number;
  /** In units of 250 µs. */
  readonly tick: number;
}

/**
 * @param arrivals ascending by sequence, no duplicates; at least one, each at or after `baseSequence`.
 * @param baseSequence unwrapped number of the first packet reported, received or not.
 * @param feedbackCount 8-bit counter of feedback packets.
 * @returns the bytes of one feedback packet (§3.1); two-bit status vectors throughout, which any mix of losses fits.
 */
export function writeTransportFeedback(
  senderSsrc: number,
  mediaSsrc: number,
  arrivals: readonly Arrival[],
  baseSequence: number,
  feedbackCount: number,
): Uint8Array {
  const first = arrivals[0] as Arrival;
  const last = arrivals[arrivals.length - 1] as Arrival;
  const statusCount = last.sequence - baseSequence + 1;
  const referenceTime = Math.floor(first.tick / REFERENCE_TICKS);

  const symbols = new Uint8Array(Math.ceil(statusCount / SYMBOLS_PER_CHUNK) * SYMBOLS_PER_CHUNK).fill(NOT_RECEIVED);
  const deltas: number[] = [];
  let previousTick = referenceTime * REFERENCE_TICKS;
  let deltaBytes = 0;
  for (const { sequence, tick } of arrivals) {
    const delta = Math.max(DELTA_MIN, Math.min(DELTA_MAX, tick - previousTick));
    // Advancing by what was written keeps a clamped delta from shifting those after it.
    previousTick += delta;
    const small = delta >= 0 && delta <= 0xff;
    symbols[sequence - baseSequence] = small ? SMALL_DELTA : LARGE_DELTA;
    deltaBytes += small ? 1 : 2;
    deltas.push(delta);
  }

  const chunkCount = symbols.length / SYMBOLS_PER_CHUNK;
  const contentBytes = HEADER_BYTES + chunkCount * 2 + deltaBytes;
  const paddingBytes = (4 - (contentBytes % 4)) % 4;
  const view = new DataView(new ArrayBuffer(contentBytes + paddingBytes));
  writeRtcpHeader(view, RTCP_TRANSPORT_FEEDBACK, FORMAT_TRANSPORT_WIDE_CC, senderSsrc);
  view.setUint32(8, mediaSsrc);
  view.setUint16(12, baseSequence & 0xffff);
  view.setUint16(14, statusCount);
  view.setUint32(16, ((referenceTime & 0xffffff) << 8) | (feedbackCount & 0xff));

  let offset = HEADER_BYTES;
  for (let start = 0; start < symbols.length; start += SYMBOLS_PER_CHUNK) {
    let chunk = TWO_BIT_VECTOR_CHUNK;
    for (let index = 0; index < SYMBOLS_PER_CHUNK; index++) {
      chunk |= (symbols[start + index] as number) << (2 * (SYMBOLS_PER_CHUNK - 1 - index));
    }
    view.setUint16(offset, chunk);
    offset += 2;
  }
  for (const delta of deltas) {
    if (delta >= 0 && delta <= 0xff) {
      view.setUint8(offset, delta);
      offset += 1;
    } else {
      view.setInt16(offset, delta);
      offset += 2;
    }
  }
  if (paddingBytes > 0) {
    view.setUint8(0, view.getUint8(0) | 0x20);
    view.setUint8(view.byteLength - 1, paddingBytes);
  }
  return new Uint8Array(view.buffer);
}

/** Collects arrivals of every stream of one transport, audio and video alike, and writes the feedback. */
export class TransportFeedback {
  readonly #senderSsrc: number;
  readonly #unwrapper = new SerialUnwrapper(16);
  #arrivals = new Map<number, number>();
  #nextBase: number | undefined;
  #feedbackCount = 0;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #mediaSsrc = 0;

  constructor(senderSsrc: number) {
    this.#senderSsrc = senderSsrc;
  }

  /**
   * @param transportSequenceNumber 16 bits, from the header extension.
   * @param mediaSsrc SSRC of the packet; the feedback names the newest.
   */
  arrived(transportSequenceNumber: number, mediaSsrc: number, arrivalMs: number): void {
    const sequence = this.#unwrapper.unwrap(transportSequenceNumber);
    this.#mediaSsrc = mediaSsrc;
    if (this.#arrivals.has(sequence) || this.#arrivals.size >= MAX_SPAN) return;
    this.#arrivals.set(sequence, Math.floor((arrivalMs * 1000) / TICK_US));
  }

  /** @returns a feedback packet when one is due, else undefined. */
  poll(nowMs: number): Uint8Array | undefined {
    const count = this.#arrivals.size;
    if (count === 0) return undefined;
    if (nowMs - this.#lastSentMs < FEEDBACK_INTERVAL_MS && count < MAX_ARRIVALS) return undefined;
    this.#lastSentMs = nowMs;

    const arrivals = [...this.#arrivals].map(([sequence, tick]) => ({ sequence, tick })).sort(bySequence);
    this.#arrivals = new Map();
    const newest = (arrivals[arrivals.length - 1] as Arrival).sequence;
    const reported = arrivals.filter(({ sequence }) => newest - sequence < MAX_SPAN);
    const oldest = (reported[0] as Arrival).sequence;
    const continues = this.#nextBase !== undefined && oldest > this.#nextBase && newest - this.#nextBase < MAX_SPAN;
    const base = continues ? (this.#nextBase as number) : oldest;
    this.#nextBase = Math.max(this.#nextBase ?? 0, newest + 1);
    return writeTransportFeedback(this.#senderSsrc, this.#mediaSsrc, reported, base, this.#feedbackCount++);
  }
}

function bySequence(a: Arrival, b: Arrival): number {
  return a.sequence - b.sequence;
}
