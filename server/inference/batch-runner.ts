/** Frames of several sessions through the model as one batch, in buffers allocated once. */
import type { ModelManifest } from './manifest.ts';
import { type FrameSizes, frameSizes, outputArray } from './model-input.ts';
import type { ModelInput, ModelOutput } from './segmenter.ts';

/** Views of the batch's buffers, `frames` frames long; the run fills `logits`. */
export interface BatchTensors {
  readonly frames: number;
  /** uint8 [frames, H, W, 3]. */
  readonly image: Uint8Array;
  /** float32 [frames, 1, hops, bands]. */
  readonly logMel: Float32Array;
  /** uint8 [frames, ages, H, W]; empty when the model sees no motion. */
  readonly earlier: Uint8Array;
  /** float32 [frames, K, H, W] or uint8 [frames, 1, H, W]. */
  readonly logits: ModelOutput;
}

export interface BatchRunnerOptions {
  readonly manifest: ModelManifest;
  /** Most frames of a batch. */
  readonly maxFrames: number;
  /** Frames that a batch of so many frames is run as, at least as many. */
  padded(frames: number): number;
  run(tensors: BatchTensors): Promise<void>;
}

export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  readonly #sizes: FrameSizes;
  readonly #image: Uint8Array;
  readonly #logMel: Float32Array;
  readonly #earlier: Uint8Array;
  readonly #logits: ModelOutput;

  constructor(options: BatchRunnerOptions) {
    const { manifest, maxFrames, padded } = options;
    const sizes = frameSizes(manifest);
    this.#options = options;
    this.#sizes = sizes;
    const Output = outputArray(manifest);
    this.#image = new Uint8Array(padded(maxFrames) * sizes.image);
    this.#logMel = new Float32Array(padded(maxFrames) * sizes.logMel);
    this.#earlier = new Uint8Array(padded(maxFrames) * sizes.earlier);
    this.#logits = new Output(padded(maxFrames) * sizes.logits);
  }

  /** Runs the frames, `maxFrames` at a time, and writes each one's logits into its memory. */
  async run(inputs: readonly ModelInput[]): Promise<void> {
    const { maxFrames } = this.#options;
    for (let start = 0; start < inputs.length; start += maxFrames) {
      await this.#runBatch(inputs.slice(start, start + maxFrames));
    }
  }

  async #runBatch(inputs: readonly ModelInput[]): Promise<void> {
    const sizes = this.#sizes;
    for (const [i, { image, logMel, earlier }] of inputs.entries()) {
      this.#image.set(image, i * sizes.image);
      this.#logMel.set(logMel, i * sizes.logMel);
      this.#earlier.set(earlier, i * sizes.earlier);
    }
    await this.warmUp(inputs.length);
    for (const [i, { logits }] of inputs.entries()) {
      logits.set(this.#logits.subarray(i * sizes.logits, (i + 1) * sizes.logits));
    }
  }

  /** Runs a batch of whatever the buffers hold. The rows that padding adds hold older frames; nobody reads their logits. */
  async warmUp(frames: number): Promise<void> {
    const { padded, run } = this.#options;
    const sizes = this.#sizes;
    const rows = padded(frames);
    await run({
      frames: rows,
      image: this.#image.subarray(0, rows * sizes.image),
      logMel: this.#logMel.subarray(0, rows * sizes.logMel),
      earlier: this.#earlier.subarray(0, rows * sizes.earlier),
      logits: this.#logits.subarray(0, rows * sizes.logits),
    });
  }
}
