/** Outlines of a binary mask, smooth at any display size: marching squares over the blurred mask. */

/** Closed polygons, flat x0, y0, x1, y1, … in mask pixels; pixel (0, 0) covers 0..1. Holes are polygons too: fill even-odd. */
export type Contour = readonly number[];

/**
 * Edges crossed in a cell, by which of its corners are inside (bits: 1 top-left, 2 top-right, 4 bottom-right, 8 bottom-left).
 * Edges: 0 top, 1 right, 2 bottom, 3 left; each pair runs from the first to the second with the inside on the right.
 * Source: Lorensen and Cline, "Marching cubes", SIGGRAPH 1987, in two dimensions; saddles keep their corners apart.
 */
const SEGMENTS: readonly (readonly number[])[] = [
  [],
  [3, 0],
  [0, 1],
  [3, 1],
  [1, 2],
  [3, 0, 1, 2],
  [0, 2],
  [3, 2],
  [2, 3],
  [2, 0],
  [0, 1, 2, 3],
  [2, 1],
  [1, 3],
  [1, 0],
  [0, 3],
  [],
];

/**
 * @param mask row-major [height, width], 0 or 1.
 * @returns the contours of its 3x3 mean at level 1/2; a mask that touches the border is closed along it.
 */
export function traceContours(mask: Uint8Array, width: number, height: number): Contour[] {
  // Two cells of nothing all round, so that every contour closes.
  const fieldWidth = width + 4;
  const fieldHeight = height + 4;
  const field = blur(mask, width, height, fieldWidth, fieldHeight);
  /** Next point by the key of the point before: 2 * field index, + 1 for points on vertical edges. */
  const next = new Map<number, number>();
  for (let y = 0; y + 1 < fieldHeight; y++) {
    for (let x = 0; x + 1 < fieldWidth; x++) {
      const i = y * fieldWidth + x;
      const corners =
        (field[i]! >= 0.5 ? 1 : 0) |
        (field[i + 1]! >= 0.5 ? 2 : 0) |
        (field[i + fieldWidth + 1]! >= 0.5 ? 4 : 0) |
        (field[i + fieldWidth]! >= 0.5 ? 8 : 0);
      const segments = SEGMENTS[corners]!;
      const edges = [2 * i, 2 * (i + 1) + 1, 2 * (i + fieldWidth), 2 * i + 1];
      for (let s = 0; s < segments.length; s += 2) next.set(edges[segments[s]!]!, edges[segments[s + 1]!]!);
    }
  }
  const contours: Contour[] = [];
  while (next.size > 0) {
    const contour: number[] = [];
    let key: number | undefined = next.keys().next().value;
    while (key !== undefined) {
      const following: number | undefined = next.get(key);
      if (following === undefined) break;
      next.delete(key);
      const i = key >> 1;
      const step = key & 1 ? fieldWidth : 1;
      const fraction = (0.5 - field[i]!) / (field[i + step]! - field[i]!);
      // Field samples sit at pixel centres, and the field begins two pixels before the mask.
      contour.push(
        clamp((i % fieldWidth) - 1.5 + (step === 1 ? fraction : 0), width),
        clamp(Math.floor(i / fieldWidth) - 1.5 + (step === 1 ? 0 : fraction), height),
      );
      key = following;
    }
    contours.push(contour);
  }
  return contours;
}

const clamp = (value: number, high: number) => Math.min(high, Math.max(0, value));

/** 3x3 mean; beyond the border the mask goes on as it ends there, for one pixel. */
function blur(mask: Uint8Array, width: number, height: number, fieldWidth: number, fieldHeight: number): Float32Array {
  const field = new Float32Array(fieldWidth * fieldHeight);
  for (let y = -1; y <= height; y++) {
    for (let x = -1; x <= width; x++) {
      let sum = 0;
      for (let dy = -1; dy <= 1; dy++) {
        const row = Math.min(height - 1, Math.max(0, y + dy)) * width;
        for (let dx = -1; dx <= 1; dx++) sum += mask[row + Math.min(width - 1, Math.max(0, x + dx))]!;
      }
      field[(y + 2) * fieldWidth + x + 2] = sum / 9;
    }
  }
  return field;
}

/** Draws contours into `path` scaled to a picture, rounding corners by curves through the middle of each side. */
export function addContours(path: Path2D, contours: readonly Contour[], scaleX: number, scaleY: number): void {
  for (const contour of contours) {
    const points = contour.length / 2;
    const x = (i: number) => contour[2 * (i % points)]! * scaleX;
    const y = (i: number) => contour[2 * (i % points) + 1]! * scaleY;
    path.moveTo((x(0) + x(1)) / 2, (y(0) + y(1)) / 2);
    for (let i = 1; i <= points; i++) path.quadraticCurveTo(x(i), y(i), (x(i) + x(i + 1)) / 2, (y(i) + y(i + 1)) / 2);
    path.closePath();
  }
}
