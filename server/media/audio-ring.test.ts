import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AudioRing, levelDbfs } from './audio-ring.ts';

/** Every sample tells its position. */
const ramp = (position: number, length: number) =>
  Float32Array.from({ length }, (_, i) => ((position + i) % 1000) / 1000);

describe('AudioRing', () => {
  it('reads back exactly the samples that end at a position', () => {
    const ring = new AudioRing(1024);
    for (let position = 0; position < 3000; position += 100) ring.write(position, ramp(position, 100));
    const out = new Float32Array(300);
    ring.read(2717, out);
    expect(out).toEqual(ramp(2417, 300));
  });

  it('works at positions beyond 32 bits, where RTP time has wrapped', () => {
    const ring = new AudioRing(1024);
    const origin = 3 * 2 ** 32 - 150;
    for (let offset = 0; offset < 900; offset += 100) ring.write(origin + offset, ramp(origin + offset, 100));
    const out = new Float32Array(800);
    ring.read(origin + 900, out);
    expect(out).toEqual(ramp(origin + 100, 800));
  });

  it('fills a gap with silence until the late samples come', () => {
    const ring = new AudioRing(1024);
    for (let position = 0; position < 1600; position += 100) ring.write(position, ramp(position, 100));
    ring.write(1700, ramp(1700, 100));
    const out = new Float32Array(200);
    ring.read(1750, out);
    expect(out).toEqual(Float32Array.from([...ramp(1550, 50), ...new Float32Array(100), ...ramp(1700, 50)]));
    ring.write(1600, ramp(1600, 100));
    ring.read(1750, out);
    expect(out).toEqual(ramp(1550, 200));
  });

  it('leaves out what comes too late and keeps what has its place', () => {
    const ring = new AudioRing(256);
    ring.write(1000, ramp(1000, 100));
    ring.write(700, ramp(700, 200));
    const out = new Float32Array(56);
    ring.read(900, out);
    expect(out).toEqual(ramp(844, 56));
  });

  it('equals an endless tape, for any writes within its memory', () => {
    const write = fc.record({ advance: fc.integer({ min: -60, max: 120 }), length: fc.integer({ min: 0, max: 64 }) });
    fc.assert(
      fc.property(fc.integer({ min: -5000, max: 2 ** 33 }), fc.array(write, { maxLength: 60 }), (origin, writes) => {
        const ring = new AudioRing(256);
        const tape = new Map<number, number>();
        let position = origin;
        let end = origin;
        let value = 0;
        for (const { advance, length } of writes) {
          position += advance;
          const samples = Float32Array.from({ length }, () => Math.fround(++value / 1e4));
          end = Math.max(end, position + length);
          samples.forEach((sample, i) => {
            if (position + i >= end - 256) tape.set(position + i, sample);
          });
          ring.write(position, samples);
        }
        const out = new Float32Array(256);
        ring.read(end, out);
        const expected = Float32Array.from({ length: 256 }, (_, i) =>
          writes.length > 0 ? (tape.get(end - 256 + i) ?? 0) : 0,
        );
        expect(out).toEqual(expected);
      }),
    );
  });

  it('refuses a capacity that is not a power of two', () => {
    expect(() => new AudioRing(64_000)).toThrow(RangeError);
  });
});

describe('levelDbfs', () => {
  it('is 0 for a full-scale square, -3 for a full-scale sine, -Infinity for silence', () => {
    expect(levelDbfs(new Float32Array(10).fill(-1))).toBeCloseTo(0, 6);
    expect(levelDbfs(Float32Array.from({ length: 1600 }, (_, n) => Math.sin((2 * Math.PI * n) / 16)))).toBeCloseTo(
      -3.01,
      2,
    );
    expect(levelDbfs(new Float32Array(10))).toBe(-Infinity);
  });
});
