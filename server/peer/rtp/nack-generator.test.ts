import { describe, expect, it } from 'vitest';
import { MAX_MISSING, MAX_REQUESTS, NackGenerator } from './nack-generator.ts';

describe('NackGenerator', () => {
  it('asks at once, then after a round trip, then later each time', () => {
    const generator = new NackGenerator();
    generator.open(10, 11, 0);
    const askedAt: number[] = [];
    for (let nowMs = 0; nowMs < 1000; nowMs += 10) if (generator.due(nowMs, 100).length > 0) askedAt.push(nowMs);
    expect(askedAt.slice(0, 4)).toEqual([0, 150, 350, 600]);
  });

  it('gives up asking', () => {
    const generator = new NackGenerator();
    generator.open(1, 2, 0);
    let asked = 0;
    for (let nowMs = 0; nowMs < 100_000; nowMs += 10) asked += generator.due(nowMs, 10).length;
    expect(asked).toBe(MAX_REQUESTS);
  });

  it('wraps the numbers it asks for and keeps their order', () => {
    const generator = new NackGenerator();
    generator.open(65_537, 65_539, 0);
    generator.open(65_534, 65_536, 0);
    expect(generator.due(0, 10)).toEqual([65_534, 65_535, 1, 2]);
  });

  it('is bounded', () => {
    const generator = new NackGenerator();
    expect(generator.open(0, MAX_MISSING, 0)).toBe(true);
    expect(generator.open(1000, 1001, 0)).toBe(false);
    expect(generator.missingCount).toBe(MAX_MISSING);
    expect(generator.forgetBefore(100)).toBe(100);
    expect(generator.open(1000, 1001, 0)).toBe(true);
  });

  it('counts as recovered only what it asked for', () => {
    const generator = new NackGenerator();
    generator.open(1, 3, 0);
    expect(generator.recover(1)).toBe(false);
    generator.due(0, 10);
    expect(generator.recover(2)).toBe(true);
    expect(generator.recover(2)).toBe(false);
  });
});
