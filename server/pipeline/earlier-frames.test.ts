import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeFrame } from '../../test/fixtures/fake-media.ts';
import { timedFrame } from '../../test/fixtures/flow.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import type { EarlierInput } from '../inference/manifest.ts';
import { addLuminance, EarlierFrames } from './earlier-frames.ts';

const INPUT = tinyManifest({ motion: true }).inputs.earlier!;
const PLANE = INPUT.height * INPUT.width;

/** A picture whose grey tells its time, in steps of 4 ms within a second. */
const greyAt = (timeMs: number): number => Math.round(timeMs / 4) % 251;
const pictureAt = (timeMs: number) => timedFrame(timeMs, new FakeFrame(0, greyAt(timeMs)));

/** Shows frames at these times, of which `isDue` are samples; the ages of the frames each sample got, undefined without any. */
function agesOf(timesMs: readonly number[], isDue: (timeMs: number) => boolean, frames = new EarlierFrames(INPUT)) {
  const ages: (readonly number[] | undefined)[] = [];
  for (const timeMs of timesMs) {
    frames.see(pictureAt(timeMs), isDue(timeMs));
    if (!isDue(timeMs)) continue;
    const out = new Uint8Array(2 * PLANE);
    const seen = frames.differences(timeMs, out);
    const found = [out[0]!, out[PLANE]!].map((value) => {
      const shownMs = timesMs.find((t) => t <= timeMs && greyAt(t) === value - 128 + greyAt(timeMs));
      return Math.round(timeMs - shownMs!);
    });
    expect(out.subarray(0, PLANE).every((value) => value === out[0])).toBe(true);
    ages.push(seen ? found : undefined);
  }
  return ages;
}

const every = (periodMs: number, count: number) => Array.from({ length: count }, (_, i) => i * periodMs);

describe('EarlierFrames', () => {
  it.each([
    [60, [83, 167]],
    [30, [67, 167]],
    [25, [80, 160]],
    [15, [67, 133]],
    [10, [100, 200]],
  ] as const)('at %i frames/s gives the frames nearest to 80 and 160 ms before', (framesHz, expected) => {
    const timesMs = every(1000 / framesHz, Math.ceil(framesHz * 0.9));
    const last = timesMs.at(-1)!;
    const [ages] = agesOf(timesMs, (timeMs) => timeMs === last);
    expect(ages?.every((age, i) => Math.abs(age - [80, 160][i]!) <= Math.abs(expected[i]! - [80, 160][i]!) + 9)).toBe(
      true,
    );
  });

  it('gives none at 5 frames/s, at the start, after a gap and when time jumps back', () => {
    const all = () => true;
    expect(agesOf(every(200, 5), all)).toEqual(Array(5).fill(undefined));
    const timesMs = [0, 40, 80, 120, 160, 600, 640, 680, 720, 760, 20, 60, 100];
    expect(agesOf(timesMs, all).map((ages) => ages !== undefined)).toEqual(
      [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0].map(Boolean),
    );
  });

  it('finds frames however irregular a fast camera is and whichever are due, in bounded memory', () => {
    // Of those kept, two neighbours are less than the spacing and a gap apart, 53 ms: a third of 80 ms to both sides.
    const gaps = fc.array(fc.integer({ min: 4, max: 28 }), { minLength: 5, maxLength: 120 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 7 }), (gapsMs, step) => {
        const frames = new EarlierFrames(INPUT);
        const memory = new Set<ArrayBufferLike>();
        const out = new Uint8Array(2 * PLANE);
        let timeMs = 0;
        for (const [i, gapMs] of gapsMs.entries()) {
          timeMs += gapMs;
          const due = i % step === 0;
          const frame = new FakeFrame();
          frame.lumaTo = (luma) => void memory.add(luma.buffer);
          frames.see(timedFrame(timeMs, frame), due);
          if (due && timeMs - gapsMs[0]! > 214) expect(frames.differences(timeMs, out)).toBe(true);
        }
        expect(memory.size).toBeLessThanOrEqual(11);
      }),
    );
  });

  it('forgets a frame that cannot be scaled', () => {
    const frames = new EarlierFrames(INPUT);
    for (const timeMs of [0, 40, 80]) frames.see(pictureAt(timeMs), false);
    const closed = new FakeFrame();
    closed.close();
    frames.see(timedFrame(160, closed), true);
    expect(frames.differences(160, new Uint8Array(2 * PLANE))).toBe(false);
    frames.see(pictureAt(200), true);
    const out = new Uint8Array(2 * PLANE);
    expect(frames.differences(240, out)).toBe(false);
    expect(out.every((value) => value === 128)).toBe(true);
  });

  it('asks for as many frames as the manifest', () => {
    const input: EarlierInput = { ...INPUT, agesMs: [40, 120, 400] };
    const frames = new EarlierFrames(input);
    for (const timeMs of every(40, 16)) frames.see(pictureAt(timeMs), true);
    const out = new Uint8Array(3 * PLANE);
    expect(frames.differences(600, out)).toBe(true);
    expect([out[0], out[PLANE], out[2 * PLANE]]).toEqual([128 - 10, 128 - 30, 128 - 100]);
  });
});

describe('addLuminance', () => {
  it('adds what was different to the luminance of the picture, within 0..255', () => {
    const image = Uint8Array.from([255, 255, 255, 1, 0, 0, 0, 255, 0, 10, 20, 30]);
    const earlier = Uint8Array.from([128, 128, 128, 128, 148, 108, 138, 255]);
    addLuminance(image, earlier);
    expect([...earlier]).toEqual([255, 0, 150, 18, 255, 0, 160, 145]);
  });

  it('is the luminance that the model takes of the picture, for every colour', () => {
    const channel = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(channel, channel, channel, (red, green, blue) => {
        const earlier = Uint8Array.of(128, 128);
        addLuminance(Uint8Array.of(red, green, blue), earlier);
        const exact = 0.299 * red + 0.587 * green + 0.114 * blue;
        // Halves, of which the model rounds to even, may go either way.
        expect(Math.abs(earlier[0]! - exact)).toBeLessThanOrEqual(0.5 + 0.01);
        expect(earlier[1]).toBe(earlier[0]);
      }),
    );
  });
});
