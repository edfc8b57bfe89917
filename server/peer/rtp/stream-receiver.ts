/** One RTP stream (one SSRC): from packets in any order, some missing, to whole frames in decoding order. */
import { SerialUnwrapper, serialDistance16 } from '../../../shared/clock.ts';
import type { EncodedChunk } from '../../media/encoded-chunk.ts';
import { parseAbsCaptureTime } from './abs-capture-time.ts';
import type { Depacketizer } from './depacketizer.ts';
import { NackGenerator } from './nack-generator.ts';
import type { ReceptionStatistics, ReportBlock } from './receiver-report.ts';
import { REORDER_CAPACITY, ReorderBuffer } from './reorder-buffer.ts';
import { findExtension, type RtpPacket } from './rtp-packet.ts';
import type { ParsedSenderReport } from './sender-report.ts';

/** Longest and shortest wait for a packet asked for again, ms: some ten requests on a short path, three on a long one. */
export const MAX_RETRANSMISSION_WAIT_MS = 400;
const MIN_RETRANSMISSION_WAIT_MS = 300;
/** Wait for a packet that can only be late, for nothing can ask for it again, ms. */
export const REORDERING_WAIT_MS = 40;
/** A sequence number this far behind belongs to a sender that started anew (MAX_MISORDER, RFC 3550 §A.1). */
const MAX_MISORDER = 100;

export interface StreamOptions {
  readonly ssrc: number;
  readonly depacketizer: Depacketizer;
  readonly statistics: ReceptionStatistics;
  /** Lost packets may be asked for. */
  readonly nack: boolean;
  /** Frames depend on those before: video. A loss is mended by the next key frame only. */
  readonly dependentFrames: boolean;
  readonly absCaptureTimeId: number | undefined;
}

export interface StreamListener {
  chunk(chunk: EncodedChunk): void;
  frameDropped(): void;
  packetRecovered(): void;
  /** A frame cannot be decoded for what was lost before it. */
  keyFrameNeeded(): void;
}

export class StreamReceiver {
  readonly ssrc: number;
  readonly #options: StreamOptions;
  readonly #listener: StreamListener;
  #unwrapper = new SerialUnwrapper(16);
  #buffer: ReorderBuffer | undefined;
  #missing = new NackGenerator();
  #newest = 0;
  /** Where a restarted sender's next packet would be: two in a row are believed (RFC 3550 §A.1). */
  #restartCandidate: number | undefined;
  #waitsForKeyFrame: boolean;
  /** Timestamp of the frame in progress. */
  #frameTimestamp: number | undefined;
  /** Timestamp of the frame given up last: what still comes of it is of no use. */
  #droppedTimestamp: number | undefined;
  #frameArrivalMs = 0;
  #frameCaptureTimeMs: number | undefined;

  constructor(options: StreamOptions, listener: StreamListener) {
    this.ssrc = options.ssrc;
    this.#options = options;
    this.#listener = listener;
    this.#waitsForKeyFrame = options.dependentFrames;
  }

  /** @param retransmitted the packet came by RTX. */
  receive(packet: RtpPacket, retransmitted: boolean): void {
    const sequence = this.#unwrap(packet, retransmitted);
    if (sequence === undefined || this.#buffer === undefined) return;
    if (sequence >= this.#buffer.next + REORDER_CAPACITY) this.#giveUpBefore(sequence);
    if (!this.#buffer.insert(sequence, packet)) return;

    this.#options.statistics.received(sequence);
    if (!retransmitted) this.#options.statistics.transit(packet.timestamp, packet.arrivalMs);
    if (sequence > this.#newest) {
      const opened = this.#missing.open(Math.max(this.#newest + 1, this.#buffer.next), sequence, packet.arrivalMs);
      this.#newest = sequence;
      if (!opened) this.#giveUpBefore(sequence);
    } else if (this.#missing.recover(sequence)) {
      this.#listener.packetRecovered();
    }
    this.#drain();
  }

  /** Gives up what is overdue. @returns 16-bit numbers of the packets to ask for now. */
  poll(nowMs: number, roundTripMs: number): number[] {
    if (this.#missing.missingCount === 0) return [];
    const waitMs = this.#options.nack
      ? Math.max(MIN_RETRANSMISSION_WAIT_MS, Math.min(MAX_RETRANSMISSION_WAIT_MS, 200 + 3 * roundTripMs))
      : REORDERING_WAIT_MS;
    const overdue = this.#missing.newestMissingSince(nowMs - waitMs);
    if (overdue !== undefined) {
      this.#giveUpBefore(overdue + 1);
      this.#drain();
    }
    return this.#options.nack ? this.#missing.due(nowMs, roundTripMs) : [];
  }

  /** The next chunk handed out shall be a key frame. */
  waitForKeyFrame(): void {
    this.#waitsForKeyFrame = this.#options.dependentFrames;
  }

  senderReport(report: ParsedSenderReport, arrivalMs: number): void {
    this.#options.statistics.senderReport(report, arrivalMs);
  }

  report(nowMs: number): ReportBlock | undefined {
    return this.#options.statistics.report(this.ssrc, nowMs);
  }

  #unwrap(packet: RtpPacket, retransmitted: boolean): number | undefined {
    if (this.#buffer === undefined) {
      // A stream cannot begin with a packet sent again: what it is relative to is not known yet.
      if (retransmitted) return undefined;
      this.#start(packet.sequenceNumber);
    }
    const distance = serialDistance16(packet.sequenceNumber, this.#newest & 0xffff);
    if (!retransmitted && (distance < -MAX_MISORDER - REORDER_CAPACITY || distance > REORDER_CAPACITY * 4)) {
      const expected = this.#restartCandidate;
      this.#restartCandidate = (packet.sequenceNumber + 1) & 0xffff;
      if (packet.sequenceNumber !== expected) return undefined;
      this.#start(packet.sequenceNumber);
      this.#gap();
    }
    this.#restartCandidate = undefined;
    return this.#unwrapper.unwrap(packet.sequenceNumber);
  }

  #start(sequenceNumber: number): void {
    this.#unwrapper = new SerialUnwrapper(16);
    this.#buffer = new ReorderBuffer(sequenceNumber);
    this.#missing = new NackGenerator();
    this.#newest = sequenceNumber - 1;
  }

  #drain(): void {
    for (let packet = this.#buffer?.take(); packet !== undefined; packet = this.#buffer?.take()) this.#process(packet);
  }

  #giveUpBefore(end: number): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#missing.forgetBefore(end);
    while (buffer.next < end) {
      const packet = buffer.take();
      if (packet !== undefined) {
        this.#process(packet);
        continue;
      }
      this.#gap();
      buffer.skipTo(buffer.held === 0 ? end : buffer.next + 1);
    }
  }

  #gap(): void {
    this.#options.depacketizer.reset();
    if (!this.#options.dependentFrames) {
      this.#listener.frameDropped();
      return;
    }
    this.#dropFrameInProgress();
    this.#waitsForKeyFrame = true;
    this.#listener.keyFrameNeeded();
  }

  #dropFrameInProgress(): void {
    if (this.#frameTimestamp === undefined) return;
    this.#droppedTimestamp = this.#frameTimestamp;
    this.#frameTimestamp = undefined;
    this.#listener.frameDropped();
  }

  #process(packet: RtpPacket): void {
    if (packet.payload.length === 0 || packet.timestamp === this.#droppedTimestamp) return;
    if (packet.timestamp !== this.#frameTimestamp) {
      this.#dropFrameInProgress();
      this.#droppedTimestamp = undefined;
      this.#frameTimestamp = packet.timestamp;
      this.#frameArrivalMs = packet.arrivalMs;
      this.#frameCaptureTimeMs = undefined;
    }
    this.#frameArrivalMs = Math.max(this.#frameArrivalMs, packet.arrivalMs);
    const captureTime = findExtension(packet, this.#options.absCaptureTimeId);
    if (captureTime !== undefined) this.#frameCaptureTimeMs = parseAbsCaptureTime(captureTime);

    const frame = this.#options.depacketizer.push(packet);
    if (frame === undefined) return;
    if (this.#waitsForKeyFrame && frame.type !== 'key') {
      this.#dropFrameInProgress();
      this.#listener.keyFrameNeeded();
      return;
    }
    this.#waitsForKeyFrame = false;
    this.#frameTimestamp = undefined;
    this.#listener.chunk({
      type: frame.type,
      rtpTimestamp: packet.timestamp,
      data: frame.data,
      arrivalMs: this.#frameArrivalMs,
      ...(this.#frameCaptureTimeMs === undefined ? {} : { absCaptureTimeMs: this.#frameCaptureTimeMs }),
    });
  }
}
