/** One received track (one media section): follows its stream from SSRC to SSRC and keeps its counters. */
import type { EncodedChunk, SenderReport } from '../../media/encoded-chunk.ts';
import type { RemoteTrack, TrackListener, TrackStats } from '../peer.ts';
import { Av1Depacketizer } from './av1-depacketizer.ts';
import type { Depacketizer } from './depacketizer.ts';
import { H264Depacketizer } from './h264-depacketizer.ts';
import { writeNack } from './nack-generator.ts';
import { OpusDepacketizer } from './opus-depacketizer.ts';
import { KeyFrameRequester, writePictureLoss } from './picture-loss.ts';
import { ReceptionStatistics, type ReportBlock } from './receiver-report.ts';
import type { RtpPacket } from './rtp-packet.ts';
import { unwrapRtx } from './rtx.ts';
import type { ParsedSenderReport } from './sender-report.ts';
import { type StreamListener, StreamReceiver } from './stream-receiver.ts';
import { Vp8Depacketizer } from './vp8-depacketizer.ts';
import { Vp9Depacketizer } from './vp9-depacketizer.ts';

/** What was negotiated for one media section that sends to us. */
export interface ReceivedMedia {
  readonly kind: 'audio' | 'video';
  readonly mid: string;
  /** As in rtpmap. */
  readonly codec: string;
  readonly payloadType: number;
  /** Payload type of its retransmissions (RFC 4588), when negotiated. */
  readonly rtxPayloadType: number | undefined;
  /** Hz */
  readonly clockRate: number;
  readonly channels: number;
  readonly nack: boolean;
  readonly pictureLoss: boolean;
  /** The one simulcast layer asked for; undefined without simulcast. */
  readonly rid: string | undefined;
  /** SSRCs the offer announced, those of retransmissions included. */
  readonly ssrcs: readonly number[];
  /** SSRC of the retransmissions to that of the stream (`ssrc-group:FID`, RFC 5576 §4.2). */
  readonly rtxSsrcs: ReadonlyMap<number, number>;
  /** H.264 NAL units of `sprop-parameter-sets`. */
  readonly parameterSets: readonly Uint8Array[];
  readonly absCaptureTimeId: number | undefined;
}

/** Codec names in lower case to their depacketizers. */
const DEPACKETIZERS: Readonly<Record<string, (media: ReceivedMedia) => Depacketizer>> = {
  opus: () => new OpusDepacketizer(),
  vp8: () => new Vp8Depacketizer(),
  h264: (media) => new H264Depacketizer(media.parameterSets),
  vp9: () => new Vp9Depacketizer(),
  av1: () => new Av1Depacketizer(),
};

/** True when frames of this codec can be assembled here. */
export function isDepacketizable(codec: string): boolean {
  return Object.hasOwn(DEPACKETIZERS, codec.toLowerCase());
}

/** A stream silent for this long, ms, may give way to an SSRC that was left before. */
const SILENT_MS = 1000;
/** Former SSRCs remembered, so that their late packets are not taken for a new stream. */
const MAX_FORMER_SSRCS = 16;

export class TrackReceiver implements RemoteTrack, StreamListener {
  #media: ReceivedMedia;
  readonly #senderSsrc: number;
  readonly #keyFrames = new KeyFrameRequester();
  #listener: TrackListener | undefined;
  #ended = false;
  #stream: StreamReceiver | undefined;
  /** The newest sender report before any packet: FFmpeg's first. */
  #early: { readonly report: ParsedSenderReport; readonly arrivalMs: number } | undefined;
  #statistics: ReceptionStatistics;
  #lastPacketMs = 0;
  #formerSsrcs: number[] = [];
  #lostOnFormerStreams = 0;
  #packetsReceived = 0;
  #packetsRecovered = 0;
  #payloadBytes = 0;
  #nacksSent = 0;
  #plisSent = 0;
  #framesDropped = 0;

  /** @param senderSsrc SSRC our RTCP is sent under. */
  constructor(media: ReceivedMedia, senderSsrc: number) {
    this.#media = media;
    this.#senderSsrc = senderSsrc;
    this.#statistics = new ReceptionStatistics(media.clockRate);
  }

  get kind(): 'audio' | 'video' {
    return this.#media.kind;
  }

  get mid(): string {
    return this.#media.mid;
  }

  get codec(): string {
    return this.#media.codec;
  }

  get clockRate(): number {
    return this.#media.clockRate;
  }

  get channels(): number {
    return this.#media.channels;
  }

  get media(): ReceivedMedia {
    return this.#media;
  }

  /** The same media, negotiated again: SSRCs may be new. */
  renegotiate(media: ReceivedMedia): void {
    this.#media = media;
  }

  /** SSRC of the stream followed now; undefined before the first packet. */
  get ssrc(): number | undefined {
    return this.#stream?.ssrc;
  }

  listen(listener: TrackListener): void {
    this.#listener = listener;
    if (this.#ended) {
      listener.ended();
      return;
    }
    if (this.#stream === undefined) return;
    this.#stream.waitForKeyFrame();
    this.requestKeyFrame();
  }

  requestKeyFrame(): void {
    if (this.#media.kind === 'video') this.#keyFrames.request();
  }

  stats(): TrackStats {
    return {
      packetsReceived: this.#packetsReceived,
      packetsLost: this.#lostOnFormerStreams + this.#statistics.lost,
      packetsRecovered: this.#packetsRecovered,
      payloadBytes: this.#payloadBytes,
      nacksSent: this.#nacksSent,
      plisSent: this.#plisSent,
      framesDropped: this.#framesDropped,
    };
  }

  receive(packet: RtpPacket): void {
    if (this.#ended) return;
    if (packet.payloadType === this.#media.payloadType) {
      if (!this.#follow(packet)) return;
      this.#count(packet);
      this.#stream?.receive(packet, false);
      const early = this.#early;
      this.#early = undefined;
      if (early !== undefined) this.senderReport(early.report, early.arrivalMs);
    } else if (packet.payloadType === this.#media.rtxPayloadType && this.#stream !== undefined) {
      const ssrc = this.#media.rtxSsrcs.get(packet.ssrc) ?? this.#stream.ssrc;
      if (ssrc !== this.#stream.ssrc) return;
      const original = unwrapRtx(packet, ssrc, this.#media.payloadType);
      if (original === undefined) return;
      this.#count(original);
      this.#stream.receive(original, true);
    }
  }

  senderReport(report: ParsedSenderReport, arrivalMs: number): void {
    if (this.#stream === undefined && !this.#media.rtxSsrcs.has(report.ssrc)) this.#early = { report, arrivalMs };
    if (this.#stream?.ssrc !== report.ssrc) return;
    this.#stream.senderReport(report, arrivalMs);
    const { ntpMs, rtpTimestamp } = report;
    this.#listener?.senderReport({ ntpMs, rtpTimestamp, arrivalMs } satisfies SenderReport);
  }

  /** @returns RTCP packets due now: NACK and PLI. */
  poll(nowMs: number, roundTripMs: number): Uint8Array[] {
    if (this.#ended || this.#stream === undefined) return [];
    const due: Uint8Array[] = [];
    const missing = this.#stream.poll(nowMs, roundTripMs);
    if (missing.length > 0) {
      this.#nacksSent++;
      due.push(writeNack(this.#senderSsrc, this.#stream.ssrc, missing));
    }
    if (this.#media.pictureLoss && this.#keyFrames.isDue(nowMs, roundTripMs)) {
      this.#plisSent++;
      due.push(writePictureLoss(this.#senderSsrc, this.#stream.ssrc));
    }
    return due;
  }

  report(nowMs: number): ReportBlock | undefined {
    return this.#stream?.report(nowMs);
  }

  /** No chunk follows. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream = undefined;
    this.#listener?.ended();
  }

  chunk(chunk: EncodedChunk): void {
    if (chunk.type === 'key') this.#keyFrames.fulfil();
    this.#listener?.chunk(chunk);
  }

  frameDropped(): void {
    this.#framesDropped++;
  }

  packetRecovered(): void {
    this.#packetsRecovered++;
  }

  keyFrameNeeded(): void {
    this.requestKeyFrame();
  }

  #count(packet: RtpPacket): void {
    this.#lastPacketMs = packet.arrivalMs;
    this.#packetsReceived++;
    this.#payloadBytes += packet.payload.length;
  }

  /** Moves to the packet's SSRC when the sender has. @returns false when the packet is of another stream. */
  #follow(packet: RtpPacket): boolean {
    const current = this.#stream?.ssrc;
    if (current === packet.ssrc) return true;
    const silent = packet.arrivalMs - this.#lastPacketMs > SILENT_MS;
    if (this.#formerSsrcs.includes(packet.ssrc) && !silent) return false;
    if (current !== undefined) {
      this.#formerSsrcs = [...this.#formerSsrcs, current].slice(-MAX_FORMER_SSRCS);
      this.#lostOnFormerStreams += this.#statistics.lost;
    }
    this.#statistics = new ReceptionStatistics(this.#media.clockRate);
    const depacketizer = (DEPACKETIZERS[this.#media.codec.toLowerCase()] as (media: ReceivedMedia) => Depacketizer)(
      this.#media,
    );
    this.#stream = new StreamReceiver(
      {
        ssrc: packet.ssrc,
        depacketizer,
        statistics: this.#statistics,
        nack: this.#media.nack,
        dependentFrames: this.#media.kind === 'video',
        absCaptureTimeId: this.#media.absCaptureTimeId,
      },
      this,
    );
    if (this.#media.kind === 'video') this.#keyFrames.expect(packet.arrivalMs);
    return true;
  }
}
