import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NTP_EPOCH_OFFSET_MS } from '../../../shared/clock.ts';
import type { EncodedChunk, SenderReport } from '../../media/encoded-chunk.ts';
import type { RemoteTrack } from '../peer.ts';
import { PLI_MIN_INTERVAL_MS } from './picture-loss.ts';
import { type RtpFields, vp8Frame, vp8Packets, writeRtp } from './rtp-fixture.ts';
import { POLL_INTERVAL_MS, RtpReceiver } from './rtp-receiver.ts';
import { MAX_RETRANSMISSION_WAIT_MS } from './stream-receiver.ts';
import type { ReceivedMedia } from './track-receiver.ts';

const MID_ID = 1;
const RID_ID = 2;
const REPAIRED_RID_ID = 3;
const TRANSPORT_ID = 4;
const CAPTURE_ID = 5;
const EXTENSION_IDS = { mid: MID_ID, rid: RID_ID, repairedRid: REPAIRED_RID_ID, transportWideCc: TRANSPORT_ID };
const SSRC = 0x1234;
const RTX_SSRC = 0x4321;

const VIDEO: ReceivedMedia = {
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

const AUDIO: ReceivedMedia = {
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
class Bench {
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

function nackedNumbers(nacks: readonly Sent[]): number[] {
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
function senderReportOf(ssrc: number): DataView<ArrayBuffer> {
  const report = new DataView(new ArrayBuffer(28));
  report.setUint32(0, 0x80c80006);
  report.setUint32(4, ssrc);
  report.setUint32(8, (NTP_EPOCH_OFFSET_MS + 1_700_000_000_000) / 1000);
  report.setUint32(12, 0x80000000);
  report.setUint32(16, 4_294_967_295);
  return report;
}

const framesArbitrary = fc.array(fc.record({ bytes: fc.integer({ min: 10, max: 3500 }), key: fc.boolean() }), {
  minLength: 2,
  maxLength: 25,
});

/** The frames' packets from a sequence number and timestamp on, the first frame a key frame. */
function packetize(frames: readonly { bytes: number; key: boolean }[], sequenceNumber: number, timestamp: number) {
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

describe('RtpReceiver: frames', () => {
  it('delivers every frame whole and in order when packets come late and twice, around both wraps', () => {
    const offset = fc.nat(12);
    fc.assert(
      fc.property(
        framesArbitrary,
        fc.integer({ min: 65_500, max: 65_560 }),
        fc.array(fc.tuple(offset, fc.boolean()), { minLength: 100, maxLength: 100 }),
        (frames, sequenceNumber, jitter) => {
          const bench = new Bench();
          const { sent, packets } = packetize(frames, sequenceNumber, 2 ** 32 - 9000);
          const [first, ...rest] = packets;
          bench.rtp(first!);
          const arrivals = rest
            .map((packet, index) => ({
              packet,
              at: index + jitter[index % jitter.length]![0] / 4,
              twice: jitter[index % jitter.length]![1],
            }))
            .sort((a, b) => a.at - b.at);
          for (const { packet, twice } of arrivals) {
            bench.rtp(packet);
            if (twice) bench.rtp(packet);
          }
          expect(bench.chunks.map(({ type, rtpTimestamp, data }) => ({ type, timestamp: rtpTimestamp, data }))).toEqual(
            sent,
          );
          expect(bench.tracks[0]!.stats()).toMatchObject({ packetsLost: 0, framesDropped: 0 });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('after any loss delivers whole frames only, in order, the first after each gap a key frame, and goes on', () => {
    fc.assert(
      fc.property(
        framesArbitrary,
        fc.nat(0xffff),
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        (frames, sequenceNumber, kept) => {
          const bench = new Bench();
          const { sent, packets } = packetize(
            [...frames, { bytes: 50, key: true }, { bytes: 2500, key: false }],
            sequenceNumber,
            7,
          );
          const lastTwoFrames = packets.length - 4;
          packets.forEach((packet, index) => {
            if (index === 0 || index >= lastTwoFrames || kept[index % kept.length]) bench.rtp(packet);
            bench.pass(5);
          });
          bench.pass(2 * MAX_RETRANSMISSION_WAIT_MS);
          const indices = bench.chunks.map((chunk) => {
            const index = sent.findIndex(({ timestamp }) => timestamp === chunk.rtpTimestamp);
            expect(chunk.data).toEqual(sent[index]!.data);
            return index;
          });
          indices.forEach((index, position) => {
            const follows = position > 0 && index === indices[position - 1]! + 1;
            if (position > 0) expect(index).toBeGreaterThan(indices[position - 1]!);
            if (!follows) expect(sent[index]!.type).toBe('key');
          });
          expect(indices.slice(-2)).toEqual([sent.length - 2, sent.length - 1]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 20 }), (datagrams) => {
        const bench = new Bench([VIDEO, AUDIO]);
        for (const bytes of datagrams) {
          bytes[0] = 0x80 | (bytes[0]! & 0x3f);
          bench.receiver.receiveRtp(bytes, bench.nowMs);
          bench.receiver.receiveRtcp(bytes, bench.nowMs);
          bench.pass(POLL_INTERVAL_MS);
        }
      }),
    );
  });

  it("stamps a chunk with its last packet's arrival and its capture time", () => {
    const bench = new Bench();
    const capture = new DataView(new ArrayBuffer(8));
    capture.setUint32(0, (NTP_EPOCH_OFFSET_MS + 1_700_000_000_000) / 1000);
    capture.setUint32(4, 0x80000000);
    const [first, second] = vp8Packets(vp8Frame('key', 1500, 1), { sequenceNumber: 5, timestamp: 9 });
    bench.rtp({ ...first!, extensions: [[CAPTURE_ID, new Uint8Array(capture.buffer)]] });
    bench.nowMs += 30;
    bench.rtp(second!);
    expect(bench.chunks).toMatchObject([{ arrivalMs: 1030, absCaptureTimeMs: 1_700_000_000_500, rtpTimestamp: 9 }]);
  });

  it('counts packets that only probe the path, and makes nothing of them', () => {
    const bench = new Bench();
    bench.rtp({ sequenceNumber: 1, ...vp8Packets(vp8Frame('key', 20, 1), { sequenceNumber: 1, timestamp: 1 })[0] });
    bench.rtp({ sequenceNumber: 2 });
    bench.rtp(vp8Packets(vp8Frame('delta', 20, 1), { sequenceNumber: 3, timestamp: 2 })[0]!);
    expect(bench.chunks).toHaveLength(2);
  });
});

describe('RtpReceiver: loss', () => {
  function lossyBench() {
    const bench = new Bench();
    const packets = packetize(new Array(4).fill({ bytes: 2500, key: false }), 100, 0).packets;
    for (const index of [0, 1, 2, 3, 5]) bench.rtp(packets[index]!);
    return { bench, packets };
  }

  it('asks again and takes the answer by RTX', () => {
    const { bench, packets } = lossyBench();
    bench.pass(POLL_INTERVAL_MS, 10);
    expect(nackedNumbers(bench.rtcp(205, 1))).toEqual([104]);
    const lost = packets[4]!;
    bench.rtp({
      ...lost,
      payloadType: 97,
      ssrc: RTX_SSRC,
      sequenceNumber: 9000,
      payload: Uint8Array.of(0, 104, ...lost.payload!),
    });
    expect(bench.chunks).toHaveLength(2);
    expect(bench.tracks[0]!.stats()).toMatchObject({
      packetsLost: 0,
      packetsRecovered: 1,
      nacksSent: 1,
      framesDropped: 0,
    });
  });

  it('gives a frame up within the bound and asks for a key frame until it comes', () => {
    const { bench, packets } = lossyBench();
    bench.pass(MAX_RETRANSMISSION_WAIT_MS + POLL_INTERVAL_MS, 1000);
    const { packetsLost, framesDropped } = bench.tracks[0]!.stats();
    expect({ packetsLost, framesDropped }).toEqual({ packetsLost: 1, framesDropped: 1 });
    for (const packet of packets.slice(6)) bench.rtp(packet);
    bench.pass(4 * PLI_MIN_INTERVAL_MS, 20);
    expect(bench.chunks).toHaveLength(1);
    expect(bench.tracks[0]!.stats().framesDropped).toBe(3);
    const plis = bench.rtcp(206, 1);
    expect(plis.length).toBeGreaterThanOrEqual(3);
    const intervals = plis.slice(1).map(({ atMs }, index) => atMs - plis[index]!.atMs);
    expect(Math.min(...intervals)).toBeGreaterThanOrEqual(PLI_MIN_INTERVAL_MS);

    const [key] = vp8Packets(vp8Frame('key', 50, 1), { sequenceNumber: 112, timestamp: 90_000 });
    bench.rtp(key!);
    expect(bench.chunks.at(-1)).toMatchObject({ type: 'key', rtpTimestamp: 90_000 });
    bench.sent.length = 0;
    bench.pass(4 * PLI_MIN_INTERVAL_MS, 20);
    expect(bench.rtcp(206, 1)).toEqual([]);
  });

  it('does not ask for the first key frame while it is coming, but as soon as it is clear that it was lost', () => {
    const [first] = vp8Packets(vp8Frame('key', 2500, 1), { sequenceNumber: 1, timestamp: 0 });
    const coming = new Bench();
    coming.rtp(first!);
    coming.pass(PLI_MIN_INTERVAL_MS - POLL_INTERVAL_MS, 0);
    expect(coming.rtcp(206, 1)).toEqual([]);
    coming.pass(2 * POLL_INTERVAL_MS, 0);
    expect(coming.rtcp(206, 1)).toHaveLength(1);

    const lost = new Bench();
    lost.rtp(vp8Packets(vp8Frame('delta', 50, 1), { sequenceNumber: 1, timestamp: 0 })[0]!);
    lost.pass(POLL_INTERVAL_MS, 0);
    expect(lost.rtcp(206, 1)).toHaveLength(1);
  });

  it('limits the key frames a decoder asks for', () => {
    const bench = new Bench();
    bench.rtp(vp8Packets(vp8Frame('key', 50, 1), { sequenceNumber: 1, timestamp: 0 })[0]!);
    for (let elapsedMs = 0; elapsedMs < 2000; elapsedMs += POLL_INTERVAL_MS) {
      bench.tracks[0]!.requestKeyFrame();
      bench.pass(POLL_INTERVAL_MS, 0);
    }
    expect(bench.rtcp(206, 1).length).toBeLessThanOrEqual(2000 / PLI_MIN_INTERVAL_MS);
    expect(bench.tracks[0]!.stats().plisSent).toBe(bench.rtcp(206, 1).length);
  });

  it('gives up a burst too long to ask for, at once', () => {
    const bench = new Bench();
    bench.rtp(vp8Packets(vp8Frame('key', 50, 1), { sequenceNumber: 1, timestamp: 0 })[0]!);
    bench.rtp(vp8Packets(vp8Frame('key', 50, 1), { sequenceNumber: 700, timestamp: 90_000 })[0]!);
    expect(bench.chunks).toHaveLength(2);
    bench.pass(100, 10);
    expect(bench.rtcp(205, 1)).toEqual([]);
  });

  it('follows a sender whose sequence numbers start anew', () => {
    const bench = new Bench();
    bench.rtp(vp8Packets(vp8Frame('key', 50, 1), { sequenceNumber: 30_000, timestamp: 0 })[0]!);
    const { packets } = packetize(new Array(3).fill({ bytes: 50, key: true }), 5, 90_000);
    for (const packet of packets) bench.rtp(packet);
    // The first is held to be stray; two in a row are believed.
    expect(bench.chunks.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual([0, 93_000, 96_000]);
  });

  it('passes audio over a gap soon, and loses only what is missing', () => {
    const bench = new Bench([AUDIO]);
    for (const sequenceNumber of [10, 11, 13, 14]) {
      bench.rtp({
        sequenceNumber,
        timestamp: sequenceNumber * 960,
        payloadType: 111,
        payload: Uint8Array.of(sequenceNumber),
      });
    }
    expect(bench.chunks).toHaveLength(2);
    bench.pass(60);
    expect(bench.chunks.map(({ data }) => data[0])).toEqual([10, 11, 13, 14]);
    expect(bench.tracks[0]!.stats()).toMatchObject({ packetsLost: 1, framesDropped: 1 });
    expect(bench.rtcp(205, 1)).toEqual([]);
  });
});

describe('RtpReceiver: streams', () => {
  const mid = (text: string): readonly [number, Uint8Array] => [MID_ID, new TextEncoder().encode(text)];
  const rid = (text: string): readonly [number, Uint8Array] => [RID_ID, new TextEncoder().encode(text)];
  const keyPacket = (ssrc: number, sequenceNumber: number, timestamp: number): RtpFields =>
    vp8Packets(vp8Frame('key', 50, 1), { sequenceNumber, timestamp, ssrc })[0]!;

  it('knows a stream by MID, then by the SSRC it learned, then by payload type', () => {
    const second = { ...VIDEO, mid: 'w', ssrcs: [], rtxSsrcs: new Map() };
    const bench = new Bench([{ ...VIDEO, ssrcs: [] }, second, AUDIO]);
    bench.rtp(keyPacket(1, 1, 1));
    expect(bench.chunks).toHaveLength(0);
    bench.rtp({ ...keyPacket(1, 2, 2), extensions: [mid('w')] });
    bench.rtp(keyPacket(1, 3, 3));
    expect(bench.tracks[1]!.stats().packetsReceived).toBe(2);
    bench.rtp({ ssrc: 77, payloadType: 111, payload: Uint8Array.of(1) });
    expect(bench.tracks[2]!.stats().packetsReceived).toBe(1);
    bench.rtp({ ...keyPacket(9, 3, 3), extensions: [mid('unknown')] });
    expect(bench.chunks).toHaveLength(3);
  });

  it('follows a new SSRC, waits for its key frame, and is not drawn back by late packets', () => {
    const bench = new Bench();
    bench.rtp(keyPacket(SSRC, 500, 1));
    const delta = vp8Packets(vp8Frame('delta', 50, 1), { sequenceNumber: 7, timestamp: 5, ssrc: 99 })[0]!;
    bench.rtp({ ...delta, extensions: [mid('v')] });
    bench.rtp(keyPacket(99, 8, 6));
    bench.rtp(keyPacket(SSRC, 501, 2));
    bench.rtp(keyPacket(99, 9, 7));
    expect(bench.chunks.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual([1, 6, 7]);
    expect(bench.tracks[0]!.stats().packetsReceived).toBe(4);
  });

  it('takes the one simulcast layer asked for', () => {
    const bench = new Bench([{ ...VIDEO, rid: 'hi', ssrcs: [], rtxSsrcs: new Map() }]);
    bench.rtp({ ...keyPacket(1, 1, 1), extensions: [mid('v'), rid('lo')] });
    bench.rtp({ ...keyPacket(2, 1, 2), extensions: [mid('v'), rid('hi')] });
    bench.rtp(keyPacket(1, 2, 3));
    bench.rtp(keyPacket(2, 2, 4));
    expect(bench.chunks.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual([2, 4]);
  });

  it('ends a track whose section is gone or whose codec changed, and keeps one that stays', () => {
    const bench = new Bench([VIDEO, AUDIO]);
    bench.configure([{ ...VIDEO, ssrcs: [5] }, AUDIO]);
    expect(bench.tracks).toHaveLength(2);
    bench.configure([{ ...VIDEO, codec: 'H264', payloadType: 102 }]);
    expect(bench.tracks).toHaveLength(3);
    expect(bench.ended).toBe(2);
    bench.receiver.close();
    bench.receiver.close();
    expect(bench.ended).toBe(3);
    bench.rtp(keyPacket(SSRC, 1, 1));
    bench.pass(2000);
    expect(bench.sent).toEqual([]);
  });

  it('hands nothing to a track without a listener, and a key frame first to one that comes late', () => {
    const bench = new Bench([]);
    const [track] = bench.receiver.configure([VIDEO], EXTENSION_IDS);
    bench.rtp(keyPacket(SSRC, 1, 1));
    const chunks: EncodedChunk[] = [];
    track!.listen({ chunk: (chunk) => chunks.push(chunk), senderReport: () => {}, ended: () => {} });
    bench.rtp(vp8Packets(vp8Frame('delta', 50, 1), { sequenceNumber: 2, timestamp: 2 })[0]!);
    bench.pass(2 * PLI_MIN_INTERVAL_MS, 0);
    expect(bench.rtcp(206, 1).length).toBeGreaterThan(0);
    bench.rtp(keyPacket(SSRC, 3, 3));
    expect(chunks.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual([3]);
  });
});

describe('RtpReceiver: reports', () => {
  const transport = (sequence: number): readonly [number, Uint8Array] => [
    TRANSPORT_ID,
    Uint8Array.of(sequence >> 8, sequence & 0xff),
  ];

  it('gives one feedback for audio, video, retransmissions and streams it does not know', () => {
    const bench = new Bench([VIDEO, AUDIO]);
    bench.rtp({ extensions: [transport(65_535)], sequenceNumber: 1 });
    bench.rtp({ extensions: [transport(0)], sequenceNumber: 1, ssrc: 7, payloadType: 111 });
    bench.rtp({ extensions: [transport(1)], sequenceNumber: 1, ssrc: RTX_SSRC, payloadType: 97 });
    bench.rtp({ extensions: [transport(2)], sequenceNumber: 1, ssrc: 8, payloadType: 5 });
    bench.pass(POLL_INTERVAL_MS);
    const [feedback, ...more] = bench.rtcp(205, 15);
    expect(more).toEqual([]);
    const view = new DataView(feedback!.bytes.buffer);
    expect([view.getUint16(12), view.getUint16(14)]).toEqual([65_535, 4]);
  });

  it('keeps a sender report that comes before any media', () => {
    const bench = new Bench([{ ...VIDEO, ssrcs: [SSRC, RTX_SSRC] }]);
    for (const ssrc of [SSRC, RTX_SSRC])
      bench.receiver.receiveRtcp(new Uint8Array(senderReportOf(ssrc).buffer), bench.nowMs++);
    expect(bench.reports).toEqual([]);
    bench.rtp({ sequenceNumber: 1 });
    bench.rtp({ sequenceNumber: 2 });
    expect(bench.reports).toEqual([{ ntpMs: 1_700_000_000_500, rtpTimestamp: 4_294_967_295, arrivalMs: 1000 }]);
  });

  it('reports loss with LSR and DLSR once a second', () => {
    const bench = new Bench();
    bench.rtp({ sequenceNumber: 65_534 });
    bench.rtp({ sequenceNumber: 1 });
    const senderReport = senderReportOf(SSRC);
    bench.nowMs += 10;
    bench.receiver.receiveRtcp(new Uint8Array(senderReport.buffer), bench.nowMs);
    expect(bench.reports).toEqual([{ ntpMs: 1_700_000_000_500, rtpTimestamp: 4_294_967_295, arrivalMs: 1010 }]);

    bench.nowMs += 500;
    bench.receiver.poll(bench.nowMs, 20);
    const [report] = bench.rtcp(201, 1);
    const view = new DataView(report!.bytes.buffer);
    expect(view.getUint32(8)).toBe(SSRC);
    expect(view.getUint8(12)).toBe(128);
    expect(view.getUint32(12) & 0xffffff).toBe(2);
    expect(view.getUint32(16)).toBe(0x00010001);
    expect(view.getUint32(24)).toBe(senderReport.getUint32(10));
    expect(view.getUint32(28)).toBe(32_768);
    bench.pass(2500, 20);
    expect(bench.rtcp(201, 1)).toHaveLength(3);
  });
});
