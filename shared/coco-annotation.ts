/**
 * A mask as COCO annotations have it: compressed run lengths, area and box, as pycocotools reads and computes them.
 * Source: pycocotools `maskApi.c` (rleToString, rleFrString, rleArea, rleToBbox).
 */

/** Bits of a run length in one character, and the bit that says that more follow. */
const GROUP_BITS = 5;
const MORE = 1 << GROUP_BITS;
/** Characters begin at `0`. */
const FIRST_CHARACTER = 48;

/**
 * @param runs run lengths of rle.ts, each below 2^31.
 * @returns `counts` of a compressed COCO RLE: from the fourth on each run is written as its difference to the last but one,
 *   signed, in groups of five bits, least significant first.
 */
export function compressCounts(runs: readonly number[]): string {
  let counts = '';
  for (const [i, run] of runs.entries()) {
    let rest = i > 2 ? run - runs[i - 2]! : run;
    let more = true;
    while (more) {
      let group = rest & (MORE - 1);
      rest >>= GROUP_BITS;
      // The highest bit of the last group is the sign.
      more = group & (MORE >> 1) ? rest !== -1 : rest !== 0;
      if (more) group |= MORE;
      counts += String.fromCharCode(FIRST_CHARACTER + group);
    }
  }
  return counts;
}

/**
 * Inverse of {@link compressCounts}.
 * @throws RangeError when the last run is cut off.
 */
export function expandCounts(counts: string): number[] {
  const runs: number[] = [];
  let run = 0;
  let bits = 0;
  for (let i = 0; i < counts.length; i++) {
    const group = counts.charCodeAt(i) - FIRST_CHARACTER;
    run |= (group & (MORE - 1)) << bits;
    bits += GROUP_BITS;
    if (group & MORE) continue;
    if (group & (MORE >> 1) && bits < 32) run |= -1 << bits;
    runs.push(runs.length > 2 ? run + runs.at(-2)! : run);
    run = 0;
    bits = 0;
  }
  if (bits > 0) throw new RangeError('the last run length is cut off');
  return runs;
}

export interface MaskShape {
  /** Pixels lit. */
  readonly area: number;
  /** Left, top, width and height, pixels. */
  readonly bbox: readonly [x: number, y: number, width: number, height: number];
  /** Mean position of what is lit, pixels; the middle of the first pixel is (0.5, 0.5). */
  readonly centroid: readonly [x: number, y: number];
}

/**
 * @param runs run lengths of rle.ts over columns of `height` pixels.
 * @returns undefined when nothing is lit.
 */
export function shapeOf(runs: readonly number[], height: number): MaskShape | undefined {
  let [area, sumX, sumY] = [0, 0, 0];
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0];
  let position = 0;
  for (const [i, run] of runs.entries()) {
    const end = position + run;
    // Piece by piece of a column.
    while (i % 2 === 1 && position < end) {
      const x = Math.floor(position / height);
      const y = position - x * height;
      const length = Math.min(end - position, height - y);
      area += length;
      sumX += length * (x + 0.5);
      sumY += length * (y + length / 2);
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + length);
      position += length;
    }
    position = end;
  }
  if (area === 0) return undefined;
  return { area, bbox: [left, top, right - left, bottom - top], centroid: [sumX / area, sumY / area] };
}
