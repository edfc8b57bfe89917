/** Log-mel of a growing signal: patches that overlap share the frames they have in common. */
import type { LogMel } from './log-mel.ts';

/** Where a patch lies in its signal. Positions count samples from an origin that does not change. */
export interface PatchPlace {
  /** Of the first sample; a multiple of the hop length. */
  readonly position: number;
  /** Samples before this position are known and stay as they are. */
  readonly knownUntil: number;
  /** Another number when what was known has changed after all. */
  readonly revision: number;
}

/** Computes each frame once. At ten patches a second, nine tenths of a patch are frames of the one before. */
export class RollingLogMel {
  readonly #logMel: LogMel;
  /** Frame n, which begins at position n * hopLength, is in slot n modulo the number of slots. */
  readonly #values: Float32Array;
  readonly #frames: Float64Array;
  #revision: number | undefined;

  constructor(logMel: LogMel) {
    const { frames, melBands } = logMel.parameters;
    this.#logMel = logMel;
    this.#values = new Float32Array(frames * melBands);
    this.#frames = new Float64Array(frames).fill(Number.NaN);
  }

  /**
   * @param samples the patch, `LogMel.sampleCount` long.
   * @param logMel receives float32 [frames, melBands], row-major, oldest frame first: what `LogMel.compute` gives.
   * @throws RangeError when the patch does not begin at a whole hop.
   */
  compute(samples: Float32Array, { position, knownUntil, revision }: PatchPlace, logMel: Float32Array): void {
    const { frames, hopLength, windowLength, melBands } = this.#logMel.parameters;
    const first = position / hopLength;
    if (!Number.isInteger(first)) throw new RangeError(`position ${position} is no multiple of ${hopLength}`);
    if (revision !== this.#revision) this.#frames.fill(Number.NaN);
    this.#revision = revision;
    for (let i = 0; i < frames; i++) {
      const slot = (((first + i) % frames) + frames) % frames;
      if (this.#frames[slot] !== first + i) {
        this.#logMel.computeFrame(samples, i * hopLength, this.#values, slot * melBands);
        const known = (first + i) * hopLength + windowLength <= knownUntil;
        this.#frames[slot] = known ? first + i : Number.NaN;
      }
    }
    // The oldest frame's slot is where the ring begins.
    const start = (((first % frames) + frames) % frames) * melBands;
    logMel.set(this.#values.subarray(start));
    logMel.set(this.#values.subarray(0, start), this.#values.length - start);
  }
}
