/** Receiver reports: reception quality of each stream, back to its sender (RFC 3550 §6.4.2, §A.3, §A.8). */
import { RTCP_RECEIVER_REPORT, writeRtcpHeader } from './rtcp.ts';
import type { ParsedSenderReport } from './sender-report.ts';

const HEADER_BYTES = 8;
const BLOCK_BYTES = 24;
/** Blocks one report holds: its count has five bits. */
const MAX_BLOCKS = 31;
const MAX_CUMULATIVE_LOST = 0x7fffff;
const MIN_CUMULATIVE_LOST = -0x800000;
const COMPACT_NTP_PER_MS = 65_536 / 1000;

export interface ReportBlock {
  readonly ssrc: number;
  /** Share lost since the last report, in 1/256. */
  readonly fractionLost: number;
  /** Signed 24 bits: duplicates make it negative. */
  readonly cumulativeLost: number;
  /** Wraps in the upper 16 bits, highest sequence number in the lower. */
  readonly extendedHighestSequence: number;
  /** In units of the stream's clock. */
  readonly jitter: number;
  /** LSR: middle 32 bits of the last sender report's NTP time; 0 before the first. */
  readonly lastSenderReport: number;
  /** DLSR: time since then, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

/** @returns the bytes of one report; blocks beyond 31 are left out. */
export function writeReceiverReport(senderSsrc: number, blocks: readonly ReportBlock[]): Uint8Array {
  const count = Math.min(MAX_BLOCKS, blocks.length);
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + count * BLOCK_BYTES));
  writeRtcpHeader(view, RTCP_RECEIVER_REPORT, count, senderSsrc);
  blocks.slice(0, count).forEach((block, index) => {
    const offset = HEADER_BYTES + index * BLOCK_BYTES;
    view.setUint32(offset, block.ssrc);
    view.setUint32(offset + 4, ((block.fractionLost << 24) | (block.cumulativeLost & 0xffffff)) >>> 0);
    view.setUint32(offset + 8, block.extendedHighestSequence >>> 0);
    view.setUint32(offset + 12, block.jitter);
    view.setUint32(offset + 16, block.lastSenderReport);
    view.setUint32(offset + 20, block.delaySinceLastSenderReport);
  });
  return new Uint8Array(view.buffer);
}

/** Counts one stream's packets for its report blocks. Sequence numbers are unwrapped ones. */
export class ReceptionStatistics {
  readonly #clockRate: number;
  #firstSequence: number | undefined;
  #highestSequence = 0;
  #received = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  #jitter = 0;
  #lastTransit: number | undefined;
  #senderReport: { compactNtp: number; arrivalMs: number } | undefined;

  /** @param clockRate Hz. */
  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** Packets that were sent and have not arrived, so far. */
  get lost(): number {
    return Math.max(0, this.#expected - this.#received);
  }

  get #expected(): number {
    return this.#firstSequence === undefined ? 0 : this.#highestSequence - this.#firstSequence + 1;
  }

  /** A packet arrived for the first time: as first sent or by retransmission. */
  received(sequence: number): void {
    if (this.#firstSequence === undefined || sequence < this.#firstSequence) this.#firstSequence = sequence;
    this.#highestSequence = Math.max(this.#highestSequence, sequence);
    this.#received++;
  }

  /** Interarrival jitter (RFC 3550 §A.8); retransmissions are left out, for they say nothing of the path. */
  transit(rtpTimestamp: number, arrivalMs: number): void {
    const transit = (Math.round((arrivalMs * this.#clockRate) / 1000) - rtpTimestamp) | 0;
    if (this.#lastTransit !== undefined) {
      const difference = Math.abs((transit - this.#lastTransit) | 0);
      this.#jitter += (difference - this.#jitter) / 16;
    }
    this.#lastTransit = transit;
  }

  senderReport(report: ParsedSenderReport, arrivalMs: number): void {
    this.#senderReport = { compactNtp: report.compactNtp, arrivalMs };
  }

  /** @returns the block that covers the time since the last call; undefined before the first packet. */
  report(ssrc: number, nowMs: number): ReportBlock | undefined {
    if (this.#firstSequence === undefined) return undefined;
    const expected = this.#expected;
    const expectedInterval = expected - this.#expectedPrior;
    const lostInterval = expectedInterval - (this.#received - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = this.#received;
    const lost = expected - this.#received;
    return {
      ssrc,
      fractionLost:
        expectedInterval <= 0 || lostInterval <= 0
          ? 0
          : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval)),
      cumulativeLost: Math.max(MIN_CUMULATIVE_LOST, Math.min(MAX_CUMULATIVE_LOST, lost)),
      extendedHighestSequence: this.#highestSequence % 2 ** 32,
      jitter: Math.min(0xffffffff, Math.floor(this.#jitter)),
      lastSenderReport: this.#senderReport?.compactNtp ?? 0,
      delaySinceLastSenderReport:
        this.#senderReport === undefined
          ? 0
          : Math.min(0xffffffff, Math.max(0, Math.round((nowMs - this.#senderReport.arrivalMs) * COMPACT_NTP_PER_MS))),
    };
  }
}
