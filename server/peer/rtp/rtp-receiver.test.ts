import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NTP_EPOCH_OFFSET_MS } from '../../../shared/clock.ts';
import { PLI_MIN_INTERVAL_MS } from './picture-loss.ts';
import {
  AUDIO,
  Bench,
  CAPTURE_ID,
  framesArbitrary,
  nackedNumbers,
  packetize,
  RTX_SSRC,
  VIDEO,
} from './receiver-bench.ts';
import { vp8Frame, vp8Packets } from './rtp-fixture.ts';
import { POLL_INTERVAL_MS } from './rtp-receiver.ts';
import { MAX_RETRANSMISSION_WAIT_MS } from './stream-receiver.ts';

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
