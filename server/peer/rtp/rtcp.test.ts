import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NTP_EPOCH_OFFSET_MS } from '../../../shared/clock.ts';
import { parseAbsCaptureTime } from './abs-capture-time.ts';
import { writeNack } from './nack-generator.ts';
import { writePictureLoss } from './picture-loss.ts';
import { writeReceiverReport } from './receiver-report.ts';
import { parseRtcp } from './rtcp.ts';
import { parseSenderReport } from './sender-report.ts';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

describe('RTCP, byte by byte', () => {
  it('writes a picture loss indication (RFC 4585 §6.3.1)', () => {
    expect(hex(writePictureLoss(0x11223344, 0xa0b0c0d0))).toBe('81ce000211223344a0b0c0d0');
  });

  it('writes a generic NACK, 17 packets an entry, across the wrap (RFC 4585 §6.2.1)', () => {
    const missing = [0xfffe, 0xffff, 0x000e, 0x000f, 0x0100];
    expect(hex(writeNack(1, 2, missing))).toBe(`81cd0005${'00000001'}${'00000002'}fffe8001${'000f0000'}${'01000000'}`);
  });

  it('writes a receiver report (RFC 3550 §6.4.2)', () => {
    const block = {
      ssrc: 0xcafebabe,
      fractionLost: 0x40,
      cumulativeLost: -2,
      extendedHighestSequence: 0x0001fffe,
      jitter: 7,
      lastSenderReport: 0xdeadbeef,
      delaySinceLastSenderReport: 0x00018000,
    };
    expect(hex(writeReceiverReport(0x01020304, [block]))).toBe(
      '81c9000701020304cafebabe40fffffe0001fffe00000007deadbeef00018000',
    );
  });

  it('leaves out the blocks a report cannot count', () => {
    const block = {
      ssrc: 1,
      fractionLost: 0,
      cumulativeLost: 0,
      extendedHighestSequence: 0,
      jitter: 0,
      lastSenderReport: 0,
      delaySinceLastSenderReport: 0,
    };
    const report = writeReceiverReport(1, new Array(40).fill(block));
    expect(report).toHaveLength(8 + 31 * 24);
    expect(report[0]! & 0x1f).toBe(31);
  });
});

describe('parseSenderReport', () => {
  it('reads the NTP fraction as binary, not as decimal digits', () => {
    const seconds = (NTP_EPOCH_OFFSET_MS + 1_700_000_000_000) / 1000;
    const view = new DataView(new ArrayBuffer(28));
    view.setUint32(0, 0x80c80006);
    view.setUint32(4, 0xfeedface);
    view.setUint32(8, seconds);
    view.setUint32(12, 0x40000000);
    view.setUint32(16, 0xffffff00);
    const [packet] = parseRtcp(new Uint8Array(view.buffer));
    expect(parseSenderReport(packet!)).toEqual({
      ssrc: 0xfeedface,
      ntpMs: 1_700_000_000_250,
      rtpTimestamp: 0xffffff00,
      compactNtp: (((seconds & 0xffff) << 16) | 0x4000) >>> 0,
    });
  });

  it('turns down a short one', () => {
    const [packet] = parseRtcp(unhex('80c80001 00000001'));
    expect(parseSenderReport(packet!)).toBeUndefined();
  });
});

describe('parseAbsCaptureTime', () => {
  it('reads 8 and 16 byte forms', () => {
    const view = new DataView(new ArrayBuffer(16));
    view.setUint32(0, (NTP_EPOCH_OFFSET_MS + 1_700_000_000_000) / 1000);
    view.setUint32(4, 0x80000000);
    expect(parseAbsCaptureTime(new Uint8Array(view.buffer))).toBe(1_700_000_000_500);
    expect(parseAbsCaptureTime(new Uint8Array(view.buffer, 0, 8))).toBe(1_700_000_000_500);
    expect(parseAbsCaptureTime(new Uint8Array(7))).toBeUndefined();
  });
});

describe('parseRtcp', () => {
  it('splits a compound packet and stops where it is damaged', () => {
    const compound = unhex('80c90001 00000001 81ca0002 00000002 01020000 80c8ffff');
    expect(parseRtcp(compound).map(({ packetType, count, bytes }) => [packetType, count, bytes.length])).toEqual([
      [201, 0, 8],
      [202, 1, 12],
    ]);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const packet of parseRtcp(bytes)) parseSenderReport(packet);
      }),
    );
  });
});
