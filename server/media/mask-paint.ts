/** Burns masks into pictures in memory, plane by plane: what a mask does not cover keeps every bit. */

/** 4:2:0, 8 bits, of even width and height; rows may be longer than the picture. */
export interface I420Picture {
  readonly width: number;
  readonly height: number;
  /** Y, Cb and Cr; the latter two of half the size each way. */
  readonly planes: readonly [Uint8Array, Uint8Array, Uint8Array];
  /** Bytes of a row of each plane. */
  readonly strides: readonly [number, number, number];
}

/** One class of a mask. */
export interface PaintedMask {
  /** Row-major [height, width], 0 or 1; covers the whole picture. */
  readonly mask: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly classIndex: number;
}

/** The element's own colour and opacity, #ffc83d (BT.601). */
const COLOUR = [188, 59, 162] as const;
const OPACITY = 0.55;
/** Golden angle, as the element turns hues from class to class; radians. */
const HUE_STEP = (137.5 / 180) * Math.PI;
const NEUTRAL = 128;
/** Of the way from unlit to lit: what is nearer to the middle is edge. */
const EDGE = 0.2;

/**
 * @param masks in any order; where two cover a pixel the last is over the others.
 */
export function paintMasks(picture: I420Picture, masks: readonly PaintedMask[]): void {
  for (const painted of masks) paint(picture, painted);
}

function paint({ width, height, planes, strides }: I420Picture, painted: PaintedMask): void {
  const colour = colourOf(painted.classIndex);
  const row = new Float32Array(width);
  const rows = new StretchedRows(painted, width);
  for (let y = 0; y < height; y++) {
    rows.read(((y + 0.5) * painted.height) / height - 0.5, row);
    for (let x = 0; x < width; x++) {
      const opacity = opacityOf(row[x]!);
      if (opacity === 0) continue;
      blend(planes[0], y * strides[0] + x, colour[0], opacity);
      // A pixel of chroma is that of its upper left pixel of luma.
      if ((x | y) & 1) continue;
      blend(planes[1], (y >> 1) * strides[1] + (x >> 1), colour[1], opacity);
      blend(planes[2], (y >> 1) * strides[2] + (x >> 1), colour[2], opacity);
    }
  }
}

/** @param lit share of the mask around a pixel that is lit, 0..1. */
function opacityOf(lit: number): number {
  if (lit < 0.5 - EDGE) return 0;
  return lit < 0.5 + EDGE ? 1 : OPACITY;
}

function blend(plane: Uint8Array, at: number, value: number, opacity: number): void {
  plane[at] = Math.round(plane[at]! + (value - plane[at]!) * opacity);
}

/** Class 1 has the colour of class 0, before which there is only a background. */
function colourOf(classIndex: number): readonly [number, number, number] {
  const [luma, cb, cr] = COLOUR;
  const turn = Math.max(0, classIndex - 1) * HUE_STEP;
  const [x, y] = [cb - NEUTRAL, cr - NEUTRAL];
  return [luma, NEUTRAL + x * Math.cos(turn) - y * Math.sin(turn), NEUTRAL + x * Math.sin(turn) + y * Math.cos(turn)];
}

/** Bilinear: the rows of a mask, each as wide as the picture, made once and read between two. */
class StretchedRows {
  readonly #rows: readonly Float32Array[];

  constructor({ mask, width, height }: PaintedMask, pictureWidth: number) {
    this.#rows = Array.from({ length: height }, (_, y) =>
      Float32Array.from({ length: pictureWidth }, (_, pictureX) => {
        const x = Math.min(width - 1, Math.max(0, ((pictureX + 0.5) * width) / pictureWidth - 0.5));
        const left = Math.floor(x);
        const share = x - left;
        const at = y * width + left;
        return mask[at]! * (1 - share) + mask[Math.min(at + 1, (y + 1) * width - 1)]! * share;
      }),
    );
  }

  /** @param y row, fractional; beyond an edge is as on it. */
  read(y: number, out: Float32Array): void {
    const clamped = Math.min(this.#rows.length - 1, Math.max(0, y));
    const upper = this.#rows[Math.floor(clamped)]!;
    const lower = this.#rows[Math.ceil(clamped)]!;
    const share = clamped - Math.floor(clamped);
    for (let x = 0; x < out.length; x++) out[x] = upper[x]! * (1 - share) + lower[x]! * share;
  }
}
