import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Av1Depacketizer } from './av1-depacketizer.ts';
import type { DepacketizedFrame, Depacketizer } from './depacketizer.ts';
import { H264Depacketizer } from './h264-depacketizer.ts';
import { OpusDepacketizer } from './opus-depacketizer.ts';
import { rtpPacket, vp8Frame, vp8Packets } from './rtp-fixture.ts';
import { parseVp8Descriptor, Vp8Depacketizer } from './vp8-depacketizer.ts';
import { parseVp9Descriptor, Vp9Depacketizer } from './vp9-depacketizer.ts';

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

describe('parseVp9Descriptor (RFC 9628 §4.2)', () => {
  const whole = { startsFrame: true, endsFrame: true, spatialLayer: 0 };
  it.each([
    ['nothing optional', [0x0c, 1], { ...whole, interPredicted: false, length: 1 }],
    ['7-bit picture id', [0x8c, 5, 1], { ...whole, interPredicted: false, length: 2 }],
    ['15-bit picture id, inter', [0xcc, 0x85, 5, 1], { ...whole, interPredicted: true, length: 3 }],
    ['layers with TL0PICIDX', [0xac, 5, 0x04, 9, 1], { ...whole, interPredicted: false, length: 4, spatialLayer: 2 }],
    [
      'flexible: layers, two references',
      [0xfc, 5, 0x02, 0x03, 0x04, 1],
      { ...whole, interPredicted: true, length: 5, spatialLayer: 1 },
    ],
    [
      'scalability structure: one layer with size, two pictures with one and two references',
      [0x8e, 5, 0x18, 2, 128, 1, 224, 2, 0x04, 1, 0x08, 1, 2, 7],
      { ...whole, interPredicted: false, length: 13 },
    ],
  ])('%s', (_name, bytes, expected) => {
    expect(parseVp9Descriptor(Uint8Array.from(bytes))).toEqual(expected);
  });

  it('turns down what ends inside', () => {
    for (const bytes of [[0x8c], [0x8c, 5], [0x8e, 5, 0x18, 2, 128, 1]]) {
      expect(parseVp9Descriptor(Uint8Array.from(bytes))).toBeUndefined();
    }
  });
});

describe('Vp9Depacketizer', () => {
  it('joins the base layer of a picture and leaves the others', () => {
    const depacketizer = new Vp9Depacketizer();
    expect(push(depacketizer, 1, false, 0x28, 0x00, 0, 1, 2)).toBeUndefined();
    expect(push(depacketizer, 1, false, 0x24, 0x00, 0, 3)).toEqual({ type: 'key', data: Uint8Array.of(1, 2, 3) });
    expect(push(depacketizer, 1, true, 0x2c, 0x02, 0, 9)).toBeUndefined();
    expect(push(depacketizer, 2, true, 0x4c, 4)).toEqual({ type: 'delta', data: Uint8Array.of(4) });
    expect(push(depacketizer, 3, true, 0x44, 5)).toBeUndefined();
  });
});

describe('Av1Depacketizer (AV1 RTP §4)', () => {
  it('makes a temporal unit of aggregated and fragmented OBUs, with sizes', () => {
    const depacketizer = new Av1Depacketizer();
    // W=2, N: temporal delimiter is to be dropped; then a sequence header; continued: a frame OBU.
    expect(push(depacketizer, 1, false, 0x78, 1, 0x10, 3, 0x08, 7, 8, 0x30, 1, 2)).toBeUndefined();
    expect(push(depacketizer, 1, true, 0x90, 3, 4)).toEqual({
      type: 'key',
      data: Uint8Array.of(0x12, 0, 0x0a, 2, 7, 8, 0x32, 4, 1, 2, 3, 4),
    });
  });

  it('reads elements that all have lengths, extensions, and sizes already there', () => {
    const depacketizer = new Av1Depacketizer();
    expect(push(depacketizer, 5, true, 0x00, 4, 0x34, 0x20, 5, 6, 3, 0x32, 1, 9)).toEqual({
      type: 'delta',
      data: Uint8Array.of(0x12, 0, 0x36, 0x20, 2, 5, 6, 0x32, 1, 9),
    });
  });

  it('writes sizes of more than seven bits', () => {
    const unit = push(new Av1Depacketizer(), 1, true, 0x10, 0x30, ...new Array(300).fill(1));
    expect([...unit!.data.subarray(0, 5)]).toEqual([0x12, 0, 0x32, 0xac, 0x02]);
    expect(unit!.data).toHaveLength(5 + 300);
  });

  it('does not deliver what has lost its beginning', () => {
    const depacketizer = new Av1Depacketizer();
    expect(push(depacketizer, 1, true, 0x90, 3, 4)).toBeUndefined();
    expect(push(depacketizer, 2, false, 0x50, 0x30, 1)).toBeUndefined();
    depacketizer.reset();
    expect(push(depacketizer, 2, true, 0x90, 2)).toBeUndefined();
    expect(push(depacketizer, 3, true, 0x10, 0x30, 1)).toBeDefined();
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
    ['VP9', () => new Vp9Depacketizer()],
    ['AV1', () => new Av1Depacketizer()],
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
