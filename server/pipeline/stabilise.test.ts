import { from } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { encodeRuns } from '../../shared/rle.ts';
import type { EncodedMask } from './flow.ts';
import { stabilise } from './stabilise.ts';

const SIZE = 8;

/** A mask of a picture of 8 x 8 with columns lit from `left` on, `count` of them; its sound ends at `endDb` below its level. */
function mask(captureTimeMs: number, left: number, count: number, endDb = 0): EncodedMask {
  const pixels = Uint8Array.from({ length: SIZE * SIZE }, (_, i) =>
    i % SIZE >= left && i % SIZE < left + count ? 1 : 0,
  );
  const classes = count === 0 ? [] : [{ classIndex: 0, runs: encodeRuns(pixels, SIZE, SIZE) }];
  const message = {
    sequence: captureTimeMs,
    rtpTimestamp: captureTimeMs * 90,
    captureTimeMs,
    width: SIZE,
    height: SIZE,
    frameWidth: 640,
    frameHeight: 480,
    skewMs: 0,
    gated: false,
    reduced: false,
    stagesMs: { decode: 0, pair: 0, queue: 0, inference: 0, encode: 0 },
    classes,
  };
  return { message, captureTimeMs, levelDbfs: -20, endLevelDbfs: -20 - endDb, arrivalMs: captureTimeMs };
}

function stabilised(...masks: EncodedMask[]): EncodedMask[] {
  const out: EncodedMask[] = [];
  from(masks)
    .pipe(stabilise())
    .subscribe((one) => out.push(one));
  return out;
}

const litOf = (masks: EncodedMask[]) => masks.map(({ message }) => message.classes);

describe('stabilise', () => {
  it('holds a mask that goes dark while its sound goes on, for 300 ms, with the times of each frame', () => {
    const spoken = mask(0, 2, 4);
    const dark = [100, 200, 300, 400].map((timeMs) => mask(timeMs, 0, 0));
    const out = stabilised(spoken, ...dark);
    const { classes } = spoken.message;
    expect(litOf(out)).toEqual([classes, classes, classes, classes, []]);
    expect(out.map(({ message }) => message.rtpTimestamp)).toEqual([0, 9000, 18_000, 27_000, 36_000]);
  });

  it('holds a mask of which a third or less remains', () => {
    const spoken = mask(0, 2, 6);
    expect(litOf(stabilised(spoken, mask(100, 3, 2)))[1]).toEqual(spoken.message.classes);
    expect(litOf(stabilised(spoken, mask(100, 2, 3)))[1]).toEqual(mask(100, 2, 3).message.classes);
  });

  it('goes dark at once when the sound ends', () => {
    expect(litOf(stabilised(mask(0, 2, 4), mask(100, 0, 0, 15)))[1]).toEqual([]);
    expect(litOf(stabilised(mask(0, 2, 4), mask(100, 0, 0, Number.POSITIVE_INFINITY)))[1]).toEqual([]);
  });

  it('gives way to what else lights up, however small', () => {
    expect(litOf(stabilised(mask(0, 2, 4), mask(100, 7, 1)))[1]).toEqual(mask(100, 7, 1).message.classes);
  });

  it('does not hold what was held: a mask stands no longer than 300 ms', () => {
    const out = stabilised(mask(0, 0, 8), ...[150, 300, 450, 600].map((timeMs) => mask(timeMs, 0, 2)));
    expect(litOf(out).map((classes) => classes[0]!.runs)).toEqual(
      [8, 8, 8, 2, 2].map((columns) => mask(0, 0, columns).message.classes[0]!.runs),
    );
  });

  it('does not hold a mask when the timebase jumps back', () => {
    const out = stabilised(mask(9_000_000, 2, 4), mask(100, 0, 0), mask(200, 0, 0));
    expect(litOf(out).slice(1)).toEqual([[], []]);
  });

  it('does not mix masks of two sizes', () => {
    const small = mask(0, 0, 8);
    const reduced = { ...small, message: { ...small.message, width: 4, height: 4, classes: [] } };
    expect(litOf(stabilised(reduced, mask(100, 0, 0)))[1]).toEqual([]);
    expect(litOf(stabilised(small, { ...reduced, captureTimeMs: 100 }))[1]).toEqual([]);
  });
});
