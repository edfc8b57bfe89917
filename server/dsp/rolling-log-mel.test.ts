import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LogMel } from './log-mel.ts';
import { RollingLogMel } from './rolling-log-mel.ts';

const logMel = new LogMel({
  sampleRateHz: 800,
  windowLength: 10,
  hopLength: 4,
  fftLength: 16,
  melBands: 3,
  melLowHz: 20,
  melHighHz: 400,
  logOffset: 0.01,
  frames: 8,
});
const { hopLength, frames, melBands } = logMel.parameters;
const signal = (position: number) => Math.sin(position) + Math.cos(position * position);
const patchAt = (position: number, of = signal) =>
  Float32Array.from({ length: logMel.sampleCount }, (_, i) => of(position + i));
const whole = (patch: Float32Array) => {
  const out = new Float32Array(frames * melBands);
  logMel.compute(patch, out);
  return out;
};

describe('RollingLogMel', () => {
  it('gives what a whole patch gives, wherever patches lie and whatever of them is known', () => {
    const step = fc.record({ hops: fc.integer({ min: -20, max: 20 }), known: fc.integer({ min: -40, max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const rolling = new RollingLogMel(logMel);
        const out = new Float32Array(frames * melBands);
        let position = 0;
        let knownUntil = Number.NEGATIVE_INFINITY;
        for (const { hops, known } of steps) {
          position += hops * hopLength;
          knownUntil = Math.max(knownUntil, position + known);
          // What is not known yet is silence now, and something else the next time.
          const patch = patchAt(position, (at) => (at < knownUntil ? signal(at) : 0));
          rolling.compute(patch, { position, knownUntil, revision: 0 }, out);
          expect(out).toEqual(whole(patch));
        }
      }),
    );
  });

  it('computes the frames that a patch has in common with the one before once', () => {
    const rolling = new RollingLogMel(logMel);
    const computed = vi.spyOn(logMel, 'computeFrame');
    const out = new Float32Array(frames * melBands);
    const place = { knownUntil: 1000, revision: 0 };
    rolling.compute(patchAt(0), { ...place, position: 0 }, out);
    rolling.compute(patchAt(3 * hopLength), { ...place, position: 3 * hopLength }, out);
    expect(computed).toHaveBeenCalledTimes(frames + 3);
    computed.mockRestore();
  });

  it('forgets what it knew when that has changed', () => {
    const rolling = new RollingLogMel(logMel);
    const out = new Float32Array(frames * melBands);
    rolling.compute(patchAt(0), { position: 0, knownUntil: 1000, revision: 0 }, out);
    const changed = patchAt(0, (at) => signal(at) / 2);
    rolling.compute(changed, { position: 0, knownUntil: 1000, revision: 1 }, out);
    expect(out).toEqual(whole(changed));
  });

  it('refuses a patch between two hops', () => {
    const out = new Float32Array(frames * melBands);
    const place = { position: 1, knownUntil: 0, revision: 0 };
    expect(() => new RollingLogMel(logMel).compute(patchAt(1), place, out)).toThrow('position 1 is no multiple of 4');
  });
});
