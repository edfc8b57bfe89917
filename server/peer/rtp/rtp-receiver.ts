/**
 * The receiving side of one transport: hands each packet to its track and writes all RTCP. Does no I/O and has no
 * timers: bytes and times go in, RTCP goes out through `send`.
 */

import { writeReceiverReport } from './receiver-report.ts';
import { parseRtcp, RTCP_SENDER_REPORT } from './rtcp.ts';
import { findExtension, parseRtpPacket, type RtpPacket } from './rtp-packet.ts';
import { parseSenderReport } from './sender-report.ts';
import { type ReceivedMedia, TrackReceiver } from './track-receiver.ts';
import { TransportFeedback } from './transport-feedback.ts';

export const MID_URI = 'urn:ietf:params:rtp-hdrext:sdes:mid';
export const RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
export const REPAIRED_RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id';

/** Header extension identifiers; one map for all sections of a BUNDLE group (RFC 8843 §9.1). */
export interface ExtensionIds {
  readonly mid: number | undefined;
  readonly rid: number | undefined;
  readonly repairedRid: number | undefined;
  readonly transportWideCc: number | undefined;
}

/** Call `poll` at least this often, ms. Arrivals poll too, so that NACK and feedback need no timer while media flows. */
export const POLL_INTERVAL_MS = 50;
const ARRIVAL_POLL_INTERVAL_MS = 10;
const REPORT_INTERVAL_MS = 1000;
/** Round trip assumed before one is measured, ms. */
const ASSUMED_ROUND_TRIP_MS = 100;
/** SSRCs a transport may use; more are ignored. */
const MAX_SSRCS = 128;

const textDecoder = new TextDecoder();

export class RtpReceiver {
  readonly #senderSsrc: number;
  readonly #send: (rtcp: Uint8Array) => void;
  readonly #feedback: TransportFeedback;
  #tracks = new Map<string, TrackReceiver>();
  #trackBySsrc = new Map<number, TrackReceiver>();
  #trackByPayloadType = new Map<number, TrackReceiver | 'ambiguous'>();
  #extensionIds: ExtensionIds = { mid: undefined, rid: undefined, repairedRid: undefined, transportWideCc: undefined };
  #lastPollMs: number | undefined;
  #lastReportMs = Number.NEGATIVE_INFINITY;
  #roundTripMs: number | undefined;

  /**
   * @param senderSsrc SSRC our RTCP is sent under.
   * @param send takes one RTCP packet, in the clear.
   */
  constructor(senderSsrc: number, send: (rtcp: Uint8Array) => void) {
    this.#senderSsrc = senderSsrc;
    this.#send = send;
    this.#feedback = new TransportFeedback(senderSsrc);
  }

  /**
   * Takes over what was negotiated. A section that is gone, or whose codec changed, ends its track.
   * @returns the tracks that are new.
   */
  configure(sections: readonly ReceivedMedia[], extensionIds: ExtensionIds): TrackReceiver[] {
    this.#extensionIds = extensionIds;
    const previous = this.#tracks;
    const added: TrackReceiver[] = [];
    this.#tracks = new Map();
    for (const section of sections) {
      const known = previous.get(section.mid);
      const kept = known !== undefined && isSameMedia(known.media, section) ? known : undefined;
      const track = kept ?? new TrackReceiver(section, this.#senderSsrc);
      if (kept === undefined) {
        added.push(track);
      } else {
        track.renegotiate(section);
        previous.delete(section.mid);
      }
      this.#tracks.set(section.mid, track);
    }
    this.#trackBySsrc = new Map();
    this.#trackByPayloadType = new Map();
    for (const section of sections) this.#index(section, this.#tracks.get(section.mid) as TrackReceiver);
    for (const gone of previous.values()) gone.end();
    return added;
  }

  /** @param bytes one RTP packet, decrypted; the receiver keeps views into it. */
  receiveRtp(bytes: Uint8Array, arrivalMs: number): void {
    const packet = parseRtpPacket(bytes, arrivalMs);
    if (packet === undefined) return;
    const transportSequence = findExtension(packet, this.#extensionIds.transportWideCc);
    if (transportSequence !== undefined && transportSequence.length >= 2) {
      const sequenceNumber = ((transportSequence[0] as number) << 8) | (transportSequence[1] as number);
      this.#feedback.arrived(sequenceNumber, packet.ssrc, arrivalMs);
    }
    this.#trackOf(packet)?.receive(packet);
    this.#lastPollMs ??= arrivalMs;
    if (arrivalMs - this.#lastPollMs >= ARRIVAL_POLL_INTERVAL_MS) this.poll(arrivalMs, this.#roundTripMs);
  }

  /** @param bytes one compound RTCP packet, decrypted. */
  receiveRtcp(bytes: Uint8Array, arrivalMs: number): void {
    for (const packet of parseRtcp(bytes)) {
      if (packet.packetType !== RTCP_SENDER_REPORT) continue;
      const report = parseSenderReport(packet);
      if (report !== undefined) this.#trackBySsrc.get(report.ssrc)?.senderReport(report, arrivalMs);
    }
  }

  /** Sends what is due. @param roundTripMs undefined until measured. */
  poll(nowMs: number, roundTripMs: number | undefined): void {
    this.#lastPollMs = nowMs;
    this.#roundTripMs = roundTripMs;
    for (const track of this.#tracks.values()) {
      for (const rtcp of track.poll(nowMs, roundTripMs ?? ASSUMED_ROUND_TRIP_MS)) this.#send(rtcp);
    }
    const feedback = this.#feedback.poll(nowMs);
    if (feedback !== undefined) this.#send(feedback);
    if (nowMs - this.#lastReportMs < REPORT_INTERVAL_MS) return;
    const blocks = [...this.#tracks.values()].flatMap((track) => track.report(nowMs) ?? []);
    if (blocks.length === 0) return;
    this.#lastReportMs = nowMs;
    this.#send(writeReceiverReport(this.#senderSsrc, blocks));
  }

  /** Ends every track. Idempotent. */
  close(): void {
    this.configure([], this.#extensionIds);
  }

  #index(section: ReceivedMedia, track: TrackReceiver): void {
    for (const ssrc of section.ssrcs) this.#learn(ssrc, track);
    if (track.ssrc !== undefined) this.#learn(track.ssrc, track);
    for (const payloadType of [section.payloadType, section.rtxPayloadType]) {
      if (payloadType === undefined) continue;
      this.#trackByPayloadType.set(payloadType, this.#trackByPayloadType.has(payloadType) ? 'ambiguous' : track);
    }
  }

  #learn(ssrc: number, track: TrackReceiver): void {
    if (this.#trackBySsrc.size < MAX_SSRCS) this.#trackBySsrc.set(ssrc, track);
  }

  /** MID first, then SSRC, then a payload type that one section alone uses (RFC 8843 §9.2). */
  #trackOf(packet: RtpPacket): TrackReceiver | undefined {
    const midExtension = findExtension(packet, this.#extensionIds.mid);
    const known = this.#trackBySsrc.get(packet.ssrc);
    if (midExtension === undefined && known !== undefined) return known;

    const byPayloadType = this.#trackByPayloadType.get(packet.payloadType);
    const track =
      midExtension !== undefined
        ? this.#tracks.get(textDecoder.decode(midExtension))
        : byPayloadType === 'ambiguous'
          ? undefined
          : byPayloadType;
    if (track === undefined || !this.#isWantedLayer(packet, track)) return undefined;
    if (known !== track) this.#learn(packet.ssrc, track);
    return track;
  }

  #isWantedLayer(packet: RtpPacket, track: TrackReceiver): boolean {
    if (track.media.rid === undefined) return true;
    const rid = findExtension(packet, this.#extensionIds.rid) ?? findExtension(packet, this.#extensionIds.repairedRid);
    return rid !== undefined && textDecoder.decode(rid) === track.media.rid;
  }
}

function isSameMedia(a: ReceivedMedia, b: ReceivedMedia): boolean {
  return (
    a.kind === b.kind &&
    a.codec === b.codec &&
    a.payloadType === b.payloadType &&
    a.rtxPayloadType === b.rtxPayloadType &&
    a.clockRate === b.clockRate &&
    a.rid === b.rid &&
    a.absCaptureTimeId === b.absCaptureTimeId
  );
}
