/** What a session's camera saw just before: luma at model size, for a model that sees motion. */
import type { EarlierInput } from '../inference/manifest.ts';
import type { TimedFrame } from './flow.ts';

/** Frames are kept no closer than this: every one at 30 frames/s, every second one at 60. */
const SPACING_MS = 25;
/** A frame serves for another age when it is off by at most this share of that age: at 10 frames/s and more one always is. */
const NEAR_SHARE = 1 / 3;
/** A difference of none, in eight bits. */
const SAME = 128;

interface Kept {
  readonly captureTimeMs: number;
  readonly luma: Uint8Array;
}

/**
 * The frames of one session, newest first: so many as the oldest age needs, in memory of its own, allocated once.
 *
 * The decoder's luma is not the luminance of the model's RGB picture: matrix, chroma and rounding differ. Hence differences are
 * kept, and the picture's own luminance is added to them: what stood still looks to the model as if it had not changed at all.
 */
export class EarlierFrames {
  readonly #input: EarlierInput;
  /** Newest first. */
  #kept: Kept[] = [];
  /** Buffers that hold no frame. */
  readonly #free: Uint8Array[];

  constructor(input: EarlierInput) {
    this.#input = input;
    const oldestMs = Math.max(...input.agesMs) * (1 + NEAR_SHARE);
    // The newest is not an earlier one, and one is on its way out.
    const count = Math.ceil(oldestMs / SPACING_MS) + 2;
    this.#free = Array.from({ length: count }, () => new Uint8Array(input.height * input.width));
  }

  /**
   * Keeps the frame's luma if it is `due` for the model, or far enough from those kept before. The frame stays the caller's.
   * A frame that cannot be scaled is as if it had not come.
   */
  see({ frame, captureTimeMs }: TimedFrame, due: boolean): void {
    const { height, width } = this.#input;
    // A timeline that jumped back has no past.
    if (captureTimeMs < (this.#kept[0]?.captureTimeMs ?? captureTimeMs)) this.#forget();
    const [newest, second] = this.#kept;
    // Kept for being due only; the next one takes its place.
    const extra = newest && second && newest.captureTimeMs - second.captureTimeMs < SPACING_MS;
    const last = extra ? second : newest;
    if (!due && last && captureTimeMs - last.captureTimeMs < SPACING_MS) return;
    if (extra) this.#free.push(this.#kept.shift()!.luma);
    const luma = this.#free.pop() ?? this.#kept.pop()!.luma;
    try {
      frame.lumaTo(luma, width, height);
      this.#kept.unshift({ captureTimeMs, luma });
    } catch {
      this.#free.push(luma);
    }
  }

  /**
   * How the picture captured at `captureTimeMs`, the newest seen, differs from those before it.
   * @param out [ages, H, W]: luma before less luma now, plus 128, within 0..255; 128 everywhere when frames are missing.
   * @returns false when they are: just after the start or a gap, or from a camera of less than 10 frames/s.
   */
  differences(captureTimeMs: number, out: Uint8Array): boolean {
    const { agesMs } = this.#input;
    const [now] = this.#kept;
    const before = agesMs.map((ageMs) => this.#nearest(captureTimeMs, ageMs));
    if (now?.captureTimeMs !== captureTimeMs || before.includes(undefined)) {
      out.fill(SAME);
      return false;
    }
    let o = 0;
    for (const { luma } of before as Kept[]) {
      for (let i = 0; i < luma.length; i++) out[o++] = clamp(luma[i]! - now.luma[i]! + SAME);
    }
    return true;
  }

  #nearest(captureTimeMs: number, ageMs: number): Kept | undefined {
    const off = (kept: Kept) => Math.abs(captureTimeMs - kept.captureTimeMs - ageMs);
    const nearest = this.#kept.reduce<Kept | undefined>(
      (best, kept) => (best && off(best) <= off(kept) ? best : kept),
      undefined,
    );
    return nearest && off(nearest) <= NEAR_SHARE * ageMs ? nearest : undefined;
  }

  #forget(): void {
    this.#free.push(...this.#kept.map(({ luma }) => luma));
    this.#kept = [];
  }
}

/**
 * Makes differences into the model's input, in place: the picture's luminance (BT.601, rounded) plus what was different.
 * @param image [H, W, 3] RGB.
 * @param earlier [ages, H, W]: what `differences` gave; becomes luminance, 0..255.
 */
export function addLuminance(image: Uint8Array, earlier: Uint8Array): void {
  const pixels = image.length / 3;
  for (let i = 0, c = 0; i < pixels; i++, c += 3) {
    // 0.299, 0.587 and 0.114 times 2^16.
    const luminance = (19_595 * image[c]! + 38_470 * image[c + 1]! + 7_471 * image[c + 2]! + 32_768) >> 16;
    for (let e = i; e < earlier.length; e += pixels) earlier[e] = clamp(luminance + earlier[e]! - SAME);
  }
}

/** Uint8Array wraps. */
const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value);
