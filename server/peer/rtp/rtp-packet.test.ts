import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeRtp } from './rtp-fixture.ts';
import { findExtension, parseRtpPacket } from './rtp-packet.ts';

describe('parseRtpPacket', () => {
  it('reads every field of a packet with CSRC, extension and padding', () => {
    const bytes = Uint8Array.from([
      0xb1, 0xe0, 0xff, 0xfe, 0x01, 0x02, 0x03, 0x04, 0xaa, 0xbb, 0xcc, 0xdd, 0, 0, 0, 9, 0xbe, 0xde, 0, 1, 0x31, 0x12,
      0x34, 0, 7, 8, 9, 0, 0, 3,
    ]);
    const packet = parseRtpPacket(bytes, 5);
    expect(packet).toMatchObject({
      payloadType: 0x60,
      marker: true,
      sequenceNumber: 0xfffe,
      timestamp: 0x01020304,
      ssrc: 0xaabbccdd,
      arrivalMs: 5,
    });
    expect([...packet!.payload]).toEqual([7, 8, 9]);
    expect([...findExtension(packet!, 3)!]).toEqual([0x12, 0x34]);
    expect(findExtension(packet!, 4)).toBeUndefined();
    expect(findExtension(packet!, undefined)).toBeUndefined();
  });

  it('reads two-byte header extensions, empty ones too', () => {
    const bytes = Uint8Array.from([
      0x90, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 0, 0, 2, 20, 0, 0, 21, 2, 5, 6, 0, 99,
    ]);
    const packet = parseRtpPacket(bytes, 0)!;
    expect(findExtension(packet, 20)).toHaveLength(0);
    expect([...findExtension(packet, 21)!]).toEqual([5, 6]);
    expect([...packet.payload]).toEqual([99]);
  });

  it('stops at the reserved identifier 15', () => {
    const bytes = Uint8Array.from([0x90, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0xf0, 0, 0x10, 7]);
    expect(findExtension(parseRtpPacket(bytes, 0)!, 1)).toBeUndefined();
  });

  it('turns down what is not RTP', () => {
    expect(parseRtpPacket(new Uint8Array(11), 0)).toBeUndefined();
    expect(parseRtpPacket(new Uint8Array(12), 0)).toBeUndefined();
    expect(parseRtpPacket(Uint8Array.of(0x90, ...new Uint8Array(11)), 0)).toBeUndefined();
    // More padding than packet.
    expect(parseRtpPacket(Uint8Array.of(0xa0, ...new Uint8Array(11), 200), 0)).toBeUndefined();
  });

  it('reads back what was written', () => {
    fc.assert(
      fc.property(
        fc.record({
          payloadType: fc.nat(127),
          marker: fc.boolean(),
          sequenceNumber: fc.nat(0xffff),
          timestamp: fc.nat(0xffffffff),
          ssrc: fc.nat(0xffffffff),
          payload: fc.uint8Array({ maxLength: 40 }),
          extensions: fc.uniqueArray(
            fc.tuple(fc.integer({ min: 1, max: 14 }), fc.uint8Array({ minLength: 1, maxLength: 16 })),
            {
              selector: ([id]) => id,
            },
          ),
        }),
        (fields) => {
          const packet = parseRtpPacket(writeRtp(fields), 1)!;
          const { extensions, payload, ...numbers } = fields;
          expect(packet).toMatchObject(numbers);
          expect([...packet.payload]).toEqual([...payload]);
          for (const [id, data] of extensions) expect([...findExtension(packet, id)!]).toEqual([...data]);
        },
      ),
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(255), (bytes, id) => {
        if (bytes.length > 0) bytes[0] = 0x90 | (bytes[0]! & 0x2f);
        const packet = parseRtpPacket(bytes, 0);
        if (packet !== undefined) findExtension(packet, id);
      }),
    );
  });
});
