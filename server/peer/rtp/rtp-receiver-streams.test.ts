import { describe, expect, it } from 'vitest';
import type { EncodedChunk } from '../../media/encoded-chunk.ts';
import { PLI_MIN_INTERVAL_MS } from './picture-loss.ts';
import {
  AUDIO,
  Bench,
  EXTENSION_IDS,
  MID_ID,
  RID_ID,
  RTX_SSRC,
  SSRC,
  senderReportOf,
  TRANSPORT_ID,
  VIDEO,
} from './receiver-bench.ts';
import { type RtpFields, vp8Frame, vp8Packets } from './rtp-fixture.ts';
import { POLL_INTERVAL_MS } from './rtp-receiver.ts';

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
