/** Frames of several sessions through the model as one batch, in buffers allocated once. */
import type { FrameSizes } from './model-input.ts';
import type { ModelInput } from './segmenter.ts';

/** Views of the batch's buffers, `frames` frames long; the run fills `logits`. */
export interface BatchTensors {
  readonly frames: number;
  /** uint8 [frames, H, W, 3]. */
  readonly image: Uint8Array;
  /** float32 [frames, 1, hops, bands]. */
  readonly logMel: Float32Array;
  /** float32 [frames, K, H, W]. */
  readonly logits: Float32Array;
}

export interface BatchRunnerOptions {
  readonly sizes: FrameSizes;
  /** Most frames of a batch. */
  readonly maxFrames: number;
  /** Frames that a batch of so many frames is run as, at least as many. */
  padded(frames: number): number;
  run(tensors: BatchTensors): Promise<void>;
}

export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  readonly #image: Uint8Array;
  readonly #logMel: Float32Array;
  readonly #logits: Float32Array;

  constructor(options: BatchRunnerOptions) {
    const { sizes, maxFrames, padded } = options;
    this.#options = options;
    this.#image = new Uint8Array(padded(maxFrames) * sizes.image);
    this.#logMel = new Float32Array(padded(maxFrames) * sizes.logMel);
    this.#logits = new Float32Array(padded(maxFrames) * sizes.logits);
  }

  /** Runs 1 to `maxFrames` frames and writes each one's logits into its memory. */
  async run(inputs: readonly ModelInput[]): Promise<void> {
    const { sizes } = this.#options;
    for (const [i, { image, logMel }] of inputs.entries()) {
      this.#image.set(image, i * sizes.image);
      this.#logMel.set(logMel, i * sizes.logMel);
    }
    await this.warmUp(inputs.length);
    for (const [i, { logits }] of inputs.entries()) {
      logits.set(this.#logits.subarray(i * sizes.logits, (i + 1) * sizes.logits));
    }
  }

  /** Runs a batch of whatever the buffers hold. The rows that padding adds hold older frames; nobody reads their logits. */
  async warmUp(frames: number): Promise<void> {
    const { sizes, padded, run } = this.#options;
    const rows = padded(frames);
    await run({
      frames: rows,
      image: this.#image.subarray(0, rows * sizes.image),
      logMel: this.#logMel.subarray(0, rows * sizes.logMel),
      logits: this.#logits.subarray(0, rows * sizes.logits),
    });
  }
}
