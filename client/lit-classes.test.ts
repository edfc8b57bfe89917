import { describe, expect, it } from 'vitest';
import type { MaskMessage } from '../shared/mask-codec.ts';
import { LINGER_MS, LitClasses, MAX_NAMED } from './lit-classes.ts';

/** A mask of 100 pixels in which each class lights so many. */
const mask = (pixels: Readonly<Record<number, number>>) =>
  ({
    classes: Object.entries(pixels).map(([index, lit]) => ({ classIndex: Number(index), runs: [100 - lit, lit] })),
  }) as unknown as MaskMessage;

describe('LitClasses', () => {
  it('names what is lit in the order of the classes', () => {
    const lit = new LitClasses();
    expect(lit.at(0)).toEqual({ named: [], others: 0 });
    lit.add(mask({ 17: 90, 3: 10 }), 0);
    expect(lit.at(1)).toEqual({ named: [3, 17], others: 0 });
  });

  it('keeps a name for a while after its last mask', () => {
    const lit = new LitClasses();
    lit.add(mask({ 3: 10, 4: 10 }), 0);
    lit.add(mask({ 4: 10 }), 500);
    expect(lit.at(LINGER_MS).named).toEqual([3, 4]);
    expect(lit.at(LINGER_MS + 1).named).toEqual([4]);
    expect(lit.at(LINGER_MS + 501).named).toEqual([]);
  });

  it('names the largest and counts the others', () => {
    const lit = new LitClasses();
    const sizes = Object.fromEntries(Array.from({ length: MAX_NAMED + 3 }, (_, i) => [i + 1, 1 + i]));
    lit.add(mask(sizes), 0);
    const { named, others } = lit.at(0);
    expect(named).toEqual(Array.from({ length: MAX_NAMED }, (_, i) => i + 4));
    expect(others).toBe(3);
  });

  it('forgets everything when cleared', () => {
    const lit = new LitClasses();
    lit.add(mask({ 1: 1 }), 0);
    lit.clear();
    expect(lit.at(0).named).toEqual([]);
  });
});
