/** An RtpReceiver on virtual time, for its tests. */
import fc from 'fast-check';
import { NTP_EPOCH_OFFSET_MS } from '../../../shared/clock.ts';
import type { EncodedChunk, SenderReport } from '../../media/encoded-chunk.ts';
import type { RemoteTrack } from '../peer.ts';
import { type RtpFields, vp8Frame, vp8Packets, writeRtp } from './rtp-fixture.ts';
import { POLL_INTERVAL_MS, RtpReceiver } from './rtp-receiver.ts';
import type { ReceivedMedia } from './track-receiver.ts';

export const MID_ID = 1;
export const RID_ID = 2;
const REPAIRED_RID_ID = 3;
export const TRANSPORT_ID = 4;
export const CAPTURE_ID = 5;
export const EXTENSION_IDS = { mid: MID_ID, rid: RID_ID, repairedRid: REPAIRED_RID_ID, transportWideCc: TRANSPORT_ID };
export const SSRC = 0x1234;
export const RTX_SSRC = 0x4321;

export const VIDEO: ReceivedMedia = {
  kind: 'video',
  mid: 'v',
  codec: 'VP8',
  payloadType: 96,
  rtxPayloadType: 97,
  clockRate: 90_000,
  channels: 1,
  nack: true,
  pictureLoss: true,
  rid: undefined,
  ssrcs: [SSRC, RTX_SSRC],
  rtxSsrcs: new Map([[RTX_SSRC, SSRC]]),
  parameterSets: [],
  absCaptureTimeId: CAPTURE_ID,
};

export const AUDIO: ReceivedMedia = {
  ...VIDEO,
  kind: 'audio',
  mid: 'a',
  codec: 'opus',
  payloadType: 111,
  rtxPayloadType: undefined,
  clockRate: 48_000,
  channels: 2,
  nack: false,
  pictureLoss: false,
  ssrcs: [],
  rtxSsrcs: new Map(),
};

interface Sent {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** An RtpReceiver on virtual time, with what it sent and what its tracks delivered. */
export class Bench {
  readonly sent: Sent[] = [];
  readonly chunks: EncodedChunk[] = [];
  readonly reports: SenderReport[] = [];
  ended = 0;
  nowMs = 1000;
  tracks: RemoteTrack[] = [];
  readonly receiver = new RtpReceiver(0xdead, (bytes) => this.sent.push({ atMs: this.nowMs, bytes }));

  constructor(sections: readonly ReceivedMedia[] = [VIDEO]) {
    this.configure(sections);
  }

  configure(sections: readonly ReceivedMedia[]): void {
    const added = this.receiver.configure(sections, EXTENSION_IDS);
    for (const track of added) {
      track.listen({
        chunk: (chunk) => this.chunks.push(chunk),
        senderReport: (report) => this.reports.push(report),
        ended: () => this.ended++,
      });
    }
    this.tracks.push(...added);
  }

  rtp(fields: RtpFields): void {
    this.receiver.receiveRtp(writeRtp({ ssrc: SSRC, ...fields }), this.nowMs);
  }

  /** Lets time pass, polling as the owner does. */
  pass(ms: number, roundTripMs?: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs = Math.min(endMs, this.nowMs + POLL_INTERVAL_MS);
      this.receiver.poll(this.nowMs, roundTripMs);
    }
  }

  /** RTCP sent of this packet type and format. */
  rtcp(packetType: number, format: number): Sent[] {
    return this.sent.filter(({ bytes }) => bytes[1] === packetType && (bytes[0]! & 0x1f) === format);
  }
}

export function nackedNumbers(nacks: readonly Sent[]): number[] {
  return nacks.flatMap(({ bytes }) => {
    const view = new DataView(bytes.buffer);
    const numbers: number[] = [];
    for (let offset = 12; offset < bytes.length; offset += 4) {
      const packetId = view.getUint16(offset);
      numbers.push(packetId);
      for (let bit = 0; bit < 16; bit++)
        if ((view.getUint16(offset + 2) >> bit) & 1) numbers.push((packetId + bit + 1) & 0xffff);
    }
    return numbers;
  });
}

/** Says that RTP time 2^32 - 1 is half a second after Unix time 1_700_000_000. */
export function senderReportOf(ssrc: number): DataView<ArrayBuffer> {
  const report = new DataView(new ArrayBuffer(28));
  report.setUint32(0, 0x80c80006);
  report.setUint32(4, ssrc);
  report.setUint32(8, (NTP_EPOCH_OFFSET_MS + 1_700_000_000_000) / 1000);
  report.setUint32(12, 0x80000000);
  report.setUint32(16, 4_294_967_295);
  return report;
}

export const framesArbitrary = fc.array(fc.record({ bytes: fc.integer({ min: 10, max: 3500 }), key: fc.boolean() }), {
  minLength: 2,
  maxLength: 25,
});

/** The frames' packets from a sequence number and timestamp on, the first frame a key frame. */
export function packetize(
  frames: readonly { bytes: number; key: boolean }[],
  sequenceNumber: number,
  timestamp: number,
) {
  let next = sequenceNumber;
  const sent = frames.map(({ bytes, key }, index) => ({
    type: key || index === 0 ? ('key' as const) : ('delta' as const),
    timestamp: (timestamp + index * 3000) % 2 ** 32,
    data: vp8Frame(key || index === 0 ? 'key' : 'delta', bytes, index),
  }));
  const packets = sent.flatMap((frame) => {
    const ofFrame = vp8Packets(frame.data, { sequenceNumber: next, timestamp: frame.timestamp });
    next += ofFrame.length;
    return ofFrame;
  });
  return { sent, packets };
}
