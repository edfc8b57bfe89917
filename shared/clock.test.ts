import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isNewer16,
  isNewer32,
  ntpToUnixMs,
  SerialUnwrapper,
  serialDistance16,
  serialDistance32,
  unixMsToNtp,
} from './clock.ts';

describe('serial numbers (RFC 1982)', () => {
  it('compare across the wrap', () => {
    expect(isNewer16(0, 0xffff)).toBe(true);
    expect(isNewer16(0xffff, 0)).toBe(false);
    expect(isNewer32(5, 0xfffffff0)).toBe(true);
    expect(serialDistance16(0x0002, 0xfffe)).toBe(4);
    expect(serialDistance32(0x00000002, 0xfffffffe)).toBe(4);
  });

  it('order any two numbers less than half the range apart', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.integer({ min: 1, max: 2 ** 31 - 1 }), (start, step) => {
        expect(serialDistance32((start + step) >>> 0, start)).toBe(step);
        expect(isNewer32(start, (start + step) >>> 0)).toBe(false);
      }),
    );
  });

  it('unwrap into an ever-growing count, late ones included', () => {
    const unwrapper = new SerialUnwrapper(16);
    expect([65_534, 65_535, 1, 0, 3].map((value) => unwrapper.unwrap(value))).toEqual([
      65_534, 65_535, 65_537, 65_536, 65_539,
    ]);
    const below = new SerialUnwrapper(16);
    expect([0, 65_535, 1].map((value) => below.unwrap(value))).toEqual([0, -1, 1]);
  });

  it('unwrap any walk with steps under half the range', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffffffff),
        fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 50 }),
        (start, steps) => {
          const unwrapper = new SerialUnwrapper(32);
          let truth = start;
          unwrapper.unwrap(start);
          for (const step of steps) {
            truth += step;
            expect(unwrapper.unwrap(truth % 2 ** 32)).toBe(truth);
          }
        },
      ),
    );
  });
});

describe('NTP timestamps (RFC 3550)', () => {
  it('know the epoch and the binary fraction', () => {
    expect(ntpToUnixMs(2_208_988_800, 0)).toBe(0);
    expect(ntpToUnixMs(2_208_988_801, 2 ** 31)).toBe(1500);
    expect(unixMsToNtp(1500)).toEqual({ seconds: 2_208_988_801, fraction: 2 ** 31 });
  });

  it('survive the round trip within a microsecond', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2_000_000_000_000, noNaN: true }), (unixMs) => {
        const { seconds, fraction } = unixMsToNtp(unixMs);
        expect(Math.abs(ntpToUnixMs(seconds, fraction) - unixMs)).toBeLessThan(1e-3);
      }),
    );
  });
});
