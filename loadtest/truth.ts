/** Intersection over union of a mask with the truth, straight on run lengths. */
import type { MaskMessage } from '../shared/mask-codec.ts';
import { areaOfRuns, decodeRuns, encodeRuns, overlapOfRuns } from '../shared/rle.ts';
import type { MediaLoop } from './media-loop.ts';

/** The true masks of a loop, in any size that is asked for. */
export class Truth {
  readonly #truth: MediaLoop['truth'];
  readonly #bySize = new Map<string, (readonly number[] | undefined)[]>();

  constructor(truth: MediaLoop['truth']) {
    this.#truth = truth;
  }

  /** @returns IoU, 0..1, of all classes together; undefined when nothing in view sounds at the frame. */
  iou(frame: number, { classes, width, height }: MaskMessage): number | undefined {
    const truth = this.#runs(frame, width, height);
    if (truth === undefined) return undefined;
    // Classes do not overlap: each pixel has one.
    const both = classes.reduce((sum, { runs }) => sum + overlapOfRuns(runs, truth), 0);
    const either = classes.reduce((sum, { runs }) => sum + areaOfRuns(runs), 0) + areaOfRuns(truth) - both;
    return either === 0 ? 1 : both / either;
  }

  #runs(frame: number, width: number, height: number): readonly number[] | undefined {
    const original = this.#truth.runs[frame];
    if (original === undefined || (width === this.#truth.width && height === this.#truth.height)) return original;
    const key = `${width}x${height}`;
    let frames = this.#bySize.get(key);
    if (frames === undefined) {
      frames = [];
      this.#bySize.set(key, frames);
    }
    frames[frame] ??= resize(original, this.#truth, width, height);
    return frames[frame];
  }
}

/** Nearest neighbour. */
function resize(runs: readonly number[], from: MediaLoop['truth'], width: number, height: number): number[] {
  const source = new Uint8Array(from.width * from.height);
  decodeRuns(runs, from.width, from.height, source);
  const target = Uint8Array.from({ length: width * height }, (_, i) => {
    const x = Math.floor((((i % width) + 0.5) * from.width) / width);
    const y = Math.floor(((Math.floor(i / width) + 0.5) * from.height) / height);
    return source[y * from.width + x]!;
  });
  return encodeRuns(target, width, height);
}
