import { describe, expect, it } from 'vitest';
import { freeInputs, poolOf } from '../../test/fixtures/flow.ts';

describe('InputPool', () => {
  it('lends each input to one owner, and none beyond its number', () => {
    const pool = poolOf(2);
    const [a, b] = [pool.acquire()!, pool.acquire()!];
    expect(a.input).not.toBe(b.input);
    expect(pool.acquire()).toBeUndefined();
    a.release();
    expect(pool.acquire()?.input).toBe(a.input);
  });

  it('takes an input back from its last owner', () => {
    const pool = poolOf(1);
    const lease = pool.acquire()!;
    lease.retain();
    lease.release();
    expect(freeInputs(pool)).toBe(0);
    lease.release();
    expect(freeInputs(pool)).toBe(1);
  });

  it('refuses a release too many', () => {
    const pool = poolOf(1);
    const lease = pool.acquire()!;
    lease.release();
    expect(() => lease.release()).toThrow(RangeError);
    expect(freeInputs(pool)).toBe(1);
  });
});
