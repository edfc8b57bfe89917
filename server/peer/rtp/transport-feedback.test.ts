import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEEDBACK_INTERVAL_MS, TransportFeedback, writeTransportFeedback } from './transport-feedback.ts';

interface DecodedFeedback {
  readonly baseSequence: number;
  readonly feedbackCount: number;
  /** Arrival in ticks of 250 µs by packet; undefined where not received. */
  readonly arrivals: readonly (number | undefined)[];
}

/** Reads a feedback packet by §3.1 of the draft, all three kinds of status chunk. */
function decode(bytes: Uint8Array): DecodedFeedback {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  expect(view.getUint8(0) & 0xdf).toBe(0x8f);
  expect(view.getUint8(1)).toBe(205);
  expect((view.getUint16(2) + 1) * 4).toBe(bytes.length);
  const statusCount = view.getUint16(14);
  const symbols: number[] = [];
  let offset = 20;
  while (symbols.length < statusCount) {
    const chunk = view.getUint16(offset);
    offset += 2;
    if ((chunk & 0x8000) === 0) symbols.push(...new Array<number>(chunk & 0x1fff).fill((chunk >> 13) & 3));
    else if ((chunk & 0x4000) === 0) for (let bit = 13; bit >= 0; bit--) symbols.push((chunk >> bit) & 1);
    else for (let bit = 12; bit >= 0; bit -= 2) symbols.push((chunk >> bit) & 3);
  }
  let tick = (view.getUint32(16) >> 8) * 256;
  const arrivals = symbols.slice(0, statusCount).map((symbol) => {
    if (symbol === 0) return undefined;
    tick += symbol === 1 ? view.getUint8(offset) : view.getInt16(offset);
    offset += symbol;
    return tick;
  });
  const paddingBytes = (view.getUint8(0) & 0x20) === 0 ? 0 : bytes[bytes.length - 1]!;
  expect(offset + paddingBytes).toBe(bytes.length);
  return { baseSequence: view.getUint16(12), feedbackCount: view.getUint8(19), arrivals };
}

describe('writeTransportFeedback', () => {
  it('is byte-exact: a loss, a late packet, a small and a large delta', () => {
    const arrivals = [
      { sequence: 0xfffe, tick: 256 * 2 + 4 },
      { sequence: 0x10000, tick: 256 * 2 + 4 + 0x100 },
      { sequence: 0x10001, tick: 256 * 2 },
    ];
    const bytes = writeTransportFeedback(0x01020304, 0x0a0b0c0d, arrivals, 0xfffe, 0x107);
    // Symbols 1 0 2 2 0 0 0; deltas +4, +256, -260; one byte of padding.
    expect(Buffer.from(bytes).toString('hex')).toBe(
      'afcd0006010203040a0b0c0dfffe000400000207d28004' + '0100' + 'fefc' + '01',
    );
  });
});

describe('TransportFeedback', () => {
  it('reports audio and video of one transport together, with the gap between', () => {
    const feedback = new TransportFeedback(1);
    feedback.arrived(10, 0xa, 1000);
    feedback.arrived(12, 0xb, 1001);
    const { baseSequence, arrivals } = decode(feedback.poll(1001)!);
    expect(baseSequence).toBe(10);
    expect(arrivals).toEqual([4000, undefined, 4004]);
  });

  it('goes on where the last feedback ended, and counts', () => {
    const feedback = new TransportFeedback(1);
    feedback.arrived(65_534, 1, 100);
    expect(decode(feedback.poll(100)!)).toMatchObject({ baseSequence: 65_534, feedbackCount: 0 });
    feedback.arrived(1, 1, 110);
    expect(feedback.poll(100 + FEEDBACK_INTERVAL_MS - 1)).toBeUndefined();
    const next = decode(feedback.poll(100 + FEEDBACK_INTERVAL_MS)!);
    expect(next).toMatchObject({ baseSequence: 65_535, feedbackCount: 1 });
    expect(next.arrivals).toEqual([undefined, undefined, 440]);
    expect(feedback.poll(10_000)).toBeUndefined();
  });

  it('does not span a pause of a thousand packets', () => {
    const feedback = new TransportFeedback(1);
    feedback.arrived(0, 1, 0);
    feedback.poll(0);
    feedback.arrived(5000, 1, 1000);
    const { baseSequence, arrivals } = decode(feedback.poll(1000)!);
    expect(baseSequence).toBe(5000);
    expect(arrivals).toHaveLength(1);
  });

  it('tells every arrival exactly, whatever is lost, late, twice or around the wrap', () => {
    const packet = fc.record({ lost: fc.boolean(), delayTicks: fc.nat(800), twice: fc.boolean() });
    fc.assert(
      fc.property(fc.nat(0xffff), fc.array(packet, { minLength: 1, maxLength: 200 }), (start, packets) => {
        const feedback = new TransportFeedback(1);
        const expected = new Map<number, number>();
        let newest: number | undefined;
        packets.forEach(({ lost, delayTicks, twice }, index) => {
          if (lost) return;
          const tick = 4_000_000 + index * 40 + delayTicks;
          const sequence = (start + index) & 0xffff;
          feedback.arrived(sequence, 1, tick / 4);
          if (twice) feedback.arrived(sequence, 1, tick / 4 + 3);
          expected.set(sequence, tick);
          newest = sequence;
        });
        const bytes = feedback.poll(2_000_000);
        if (newest === undefined) {
          expect(bytes).toBeUndefined();
          return;
        }
        const { baseSequence, arrivals } = decode(bytes!);
        const told = arrivals.flatMap((tick, index) =>
          tick === undefined ? [] : [[(baseSequence + index) & 0xffff, tick] as const],
        );
        expect(told).toEqual([...expected]);
      }),
    );
  });
});
