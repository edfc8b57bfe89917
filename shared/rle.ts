/**
 * Run lengths of a binary mask in the order of COCO RLE: pixels column by column (x outer, y inner),
 * runs alternating between 0 and 1 and starting with a run of zeros, which may be empty.
 * Source: pycocotools `maskApi.c` (rleEncode).
 */

/**
 * @param mask row-major [height, width]; a pixel is set when its byte is not 0.
 * @returns run lengths that sum to `width * height`.
 */
export function encodeRuns(mask: Uint8Array, width: number, height: number): number[] {
  const runs: number[] = [];
  let value = 0;
  let length = 0;
  for (let x = 0; x < width; x++) {
    for (let i = x; i < width * height; i += width) {
      const bit = mask[i] === 0 ? 0 : 1;
      if (bit === value) {
        length++;
      } else {
        runs.push(length);
        value = bit;
        length = 1;
      }
    }
  }
  runs.push(length);
  return runs;
}

/**
 * Inverse of {@link encodeRuns}.
 * @param runs run lengths; must sum to `width * height`.
 * @param mask row-major [height, width], overwritten with 0 and 1.
 * @throws RangeError when the runs do not sum to the mask's size.
 */
export function decodeRuns(runs: Iterable<number>, width: number, height: number, mask: Uint8Array): void {
  const total = width * height;
  let position = 0;
  let value = 0;
  for (const run of runs) {
    if (position + run > total) throw new RangeError(`runs exceed ${total} pixels`);
    for (const end = position + run; position < end; position++) {
      mask[(position % height) * width + Math.floor(position / height)] = value;
    }
    value = 1 - value;
  }
  if (position !== total) throw new RangeError(`runs cover ${position} of ${total} pixels`);
}

/** @returns pixels set. */
export function areaOfRuns(runs: readonly number[]): number {
  return runs.reduce((sum, run, index) => sum + (index % 2 === 1 ? run : 0), 0);
}

/** @returns pixels set in both of two masks of one size. */
export function overlapOfRuns(a: readonly number[], b: readonly number[]): number {
  let both = 0;
  let position = 0;
  for (let i = 0, j = 0, endA = a[0] ?? 0, endB = b[0] ?? 0; i < a.length && j < b.length; ) {
    const end = Math.min(endA, endB);
    if (i % 2 === 1 && j % 2 === 1) both += end - position;
    position = end;
    if (endA === end) endA += a[++i] ?? 0;
    if (endB === end) endB += b[++j] ?? 0;
  }
  return both;
}
