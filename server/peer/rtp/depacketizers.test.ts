import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DepacketizedFrame, Depacketizer } from './depacketizer.ts';
import { H264Depacketizer } from './h264-depacketizer.ts';
import { OpusDepacketizer } from './opus-depacketizer.ts';
import { rtpPacket, vp8Frame, vp8Packets } from './rtp-fixture.ts';
import { parseVp8Descriptor, Vp8Depacketizer } from './vp8-depacketizer.ts';

function push(depacketizer: Depacketizer, timestamp: number, marker: boolean, ...payload: number[]) {
  return depacketizer.push(rtpPacket({ timestamp, marker, payload: Uint8Array.from(payload) })) as
    | DepacketizedFrame
    | undefined;
}

describe('parseVp8Descriptor (RFC 7741 §4.2)', () => {
  it.each([
    ['one byte', [0x10, 1], 1, true],
    ['continuation', [0x00, 1], 1, false],
    ['later partition', [0x11, 1], 1, false],
    ['7-bit picture id', [0x90, 0x80, 0x11, 1], 3, true],
    ['15-bit picture id', [0x90, 0x80, 0x81, 0x11, 1], 4, true],
    ['15-bit picture id, TL0PICIDX, TID and KEYIDX', [0x90, 0xf0, 0x81, 0x11, 7, 0x40, 1], 6, true],
    ['TL0PICIDX alone', [0x80, 0x40, 5, 1], 3, false],
  ])('%s', (_name, bytes, length, startsFrame) => {
    expect(parseVp8Descriptor(Uint8Array.from(bytes))).toEqual({ length, startsFrame });
  });

  it('turns down what ends inside', () => {
    expect(parseVp8Descriptor(Uint8Array.of(0x10))).toBeUndefined();
    expect(parseVp8Descriptor(Uint8Array.of(0x90, 0xf0, 0x81))).toBeUndefined();
  });
});

describe('Vp8Depacketizer', () => {
  it('joins a frame of many packets and tells key from delta', () => {
    for (const type of ['key', 'delta'] as const) {
      const frame = vp8Frame(type, 2500, 3);
      const depacketizer = new Vp8Depacketizer();
      const frames = vp8Packets(frame, { sequenceNumber: 1, timestamp: 9 }).map((fields) =>
        depacketizer.push(rtpPacket(fields)),
      );
      expect(frames.slice(0, -1)).toEqual([undefined, undefined]);
      expect(frames.at(-1)).toEqual({ type, data: frame });
    }
  });

  it('does not deliver a frame whose beginning is missing', () => {
    const depacketizer = new Vp8Depacketizer();
    const [, ...rest] = vp8Packets(vp8Frame('key', 2500, 3), { sequenceNumber: 1, timestamp: 9 });
    for (const fields of rest) expect(depacketizer.push(rtpPacket(fields))).toBeUndefined();
  });
});

describe('H264Depacketizer (RFC 6184)', () => {
  const SPS = [0x67, 0x42, 0xc0];
  const PPS = [0x68, 0xce];

  it('makes an Annex B access unit of STAP-A and FU-A', () => {
    const depacketizer = new H264Depacketizer();
    expect(push(depacketizer, 1, false, 0x78, 0, 3, ...SPS, 0, 2, ...PPS)).toBeUndefined();
    expect(push(depacketizer, 1, false, 0x7c, 0x85, 1, 2)).toBeUndefined();
    expect(push(depacketizer, 1, false, 0x7c, 0x05, 3)).toBeUndefined();
    expect(push(depacketizer, 1, true, 0x7c, 0x45, 4)).toEqual({
      type: 'key',
      data: Uint8Array.from([0, 0, 0, 1, ...SPS, 0, 0, 0, 1, ...PPS, 0, 0, 0, 1, 0x65, 1, 2, 3, 4]),
    });
    expect(push(depacketizer, 2, true, 0x41, 9)).toEqual({ type: 'delta', data: Uint8Array.of(0, 0, 0, 1, 0x41, 9) });
  });

  it('puts the parameter sets it knows before an IDR that comes without', () => {
    const depacketizer = new H264Depacketizer([Uint8Array.from(SPS), Uint8Array.from(PPS)]);
    const frame = push(depacketizer, 1, true, 0x65, 7);
    expect(frame).toEqual({
      type: 'key',
      data: Uint8Array.from([0, 0, 0, 1, ...SPS, 0, 0, 0, 1, ...PPS, 0, 0, 0, 1, 0x65, 7]),
    });
  });

  it('does not call an IDR a key frame that nothing can decode', () => {
    expect(push(new H264Depacketizer(), 1, true, 0x65, 7)?.type).toBe('delta');
  });

  it('drops the access unit around a malformed payload', () => {
    const depacketizer = new H264Depacketizer();
    expect(push(depacketizer, 1, false, 0x78, 0, 9, 1)).toBeUndefined();
    expect(push(depacketizer, 2, true, 0x7c, 0x45, 4)).toBeUndefined();
    expect(push(depacketizer, 3, true, 0x1e, 1)).toBeUndefined();
    expect(push(depacketizer, 4, true, 0x41, 1)?.data).toEqual(Uint8Array.of(0, 0, 0, 1, 0x41, 1));
  });
});

describe('OpusDepacketizer', () => {
  it('makes one chunk of one packet, in a buffer of its own', () => {
    const packet = rtpPacket({ payload: Uint8Array.of(1, 2, 3) });
    const frame = new OpusDepacketizer().push(packet);
    expect(frame).toEqual({ type: 'key', data: Uint8Array.of(1, 2, 3) });
    expect(frame.data.buffer.byteLength).toBe(3);
  });
});

describe('every depacketizer', () => {
  it.each([
    ['VP8', () => new Vp8Depacketizer()],
    ['H.264', () => new H264Depacketizer()],
    ['Opus', () => new OpusDepacketizer()],
  ])('%s takes any payloads', (_name, create) => {
    const payloads = fc.array(
      fc.record({
        payload: fc.uint8Array({ minLength: 1, maxLength: 20 }),
        timestamp: fc.nat(2),
        marker: fc.boolean(),
        resetBefore: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(payloads, (packets) => {
        const depacketizer = create();
        for (const { resetBefore, ...fields } of packets) {
          if (resetBefore) depacketizer.reset();
          depacketizer.push(rtpPacket(fields));
        }
      }),
    );
  });
});
