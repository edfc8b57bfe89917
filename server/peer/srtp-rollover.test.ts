import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { followRollover, type RolloverState } from './srtp-rollover.ts';

describe('followRollover', () => {
  it('keeps the packet index through any loss and reordering short of half the range', () => {
    const step = fc.oneof(fc.integer({ min: -200, max: 400 }), fc.integer({ min: 0, max: 30_000 }));
    fc.assert(
      fc.property(fc.nat(0xffff), fc.array(step, { maxLength: 100 }), (start, steps) => {
        const state: RolloverState = { rolloverCounter: 0, lastSequenceNumber: 0 };
        let index = start;
        followRollover(start, state);
        for (const distance of steps) {
          index = Math.max(start, index + distance);
          followRollover(index & 0xffff, state);
          expect(state.rolloverCounter * 65_536 + state.lastSequenceNumber).toBe(index);
        }
      }),
    );
  });
});
