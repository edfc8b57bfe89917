import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REORDER_CAPACITY, ReorderBuffer } from './reorder-buffer.ts';
import { rtpPacket } from './rtp-fixture.ts';

function takeAll(buffer: ReorderBuffer): number[] {
  const taken: number[] = [];
  for (let packet = buffer.take(); packet !== undefined; packet = buffer.take()) taken.push(packet.timestamp);
  return taken;
}

describe('ReorderBuffer', () => {
  it('hands out any permutation with duplicates in order, once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: 70_000 }),
        fc.shuffledSubarray([...Array(60).keys()], { minLength: 60 }),
        (start, order) => {
          const buffer = new ReorderBuffer(start);
          const taken: number[] = [];
          for (const index of order) {
            expect(buffer.insert(start + index, rtpPacket({ timestamp: index }))).toBe(true);
            expect(buffer.insert(start + index, rtpPacket({ timestamp: 999 }))).toBe(false);
            taken.push(...takeAll(buffer));
          }
          expect(taken).toEqual([...Array(60).keys()]);
          expect(buffer.held).toBe(0);
        },
      ),
    );
  });

  it('holds no more than its capacity, and nothing from before', () => {
    const buffer = new ReorderBuffer(100);
    expect(buffer.insert(99, rtpPacket({}))).toBe(false);
    expect(buffer.insert(100 + REORDER_CAPACITY, rtpPacket({}))).toBe(false);
    expect(buffer.insert(100 + REORDER_CAPACITY - 1, rtpPacket({}))).toBe(true);
  });

  it('drops what it skips', () => {
    const buffer = new ReorderBuffer(0);
    for (const sequence of [1, 2, 5]) buffer.insert(sequence, rtpPacket({ timestamp: sequence }));
    buffer.skipTo(2);
    expect(buffer.held).toBe(2);
    expect(takeAll(buffer)).toEqual([2]);
    buffer.skipTo(5000);
    expect(buffer.held).toBe(0);
    expect(buffer.next).toBe(5000);
    buffer.insert(5000, rtpPacket({ timestamp: 7 }));
    expect(takeAll(buffer)).toEqual([7]);
  });
});
