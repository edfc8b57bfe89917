/** Frames of several sessions through the model as one batch, in buffers allocated once. */
import type { ModelManifest } from './manifest.ts';
import { type FrameSizes, frameSizes, outputArray } from './model-input.ts';
import type { ModelInput, ModelOutput } from './segmenter.ts';

/** Views of the batch's buffers, `frames` frames long; the run fills `logits` and `looked`. */
export interface BatchTensors {
  readonly frames: number;
  /** uint8 [frames, H, W, 3]. */
  readonly image: Uint8Array;
  /** float32 [frames, 1, hops, bands]. */
  readonly logMel: Float32Array;
  /** uint8 [frames, ages, H, W]; empty when the model sees no motion. */
  readonly earlier: Uint8Array;
  /** float32 [frames, positions, kinds]; empty, like the two below, when the model sees no close-ups. */
  readonly looks: Float32Array;
  /** Frames that have a close-up, 0 to `frames`. */
  readonly closeUps: number;
  /** uint8 [closeUps, H, W, 3]. */
  readonly closeUp: Uint8Array;
  /** float32 [closeUps, positions, kinds], what these look like. */
  readonly looked: Float32Array;
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
  readonly #looks: Float32Array;
  readonly #closeUp: Uint8Array;
  readonly #looked: Float32Array;
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
    this.#looks = new Float32Array(padded(maxFrames) * sizes.looks);
    this.#closeUp = new Uint8Array(maxFrames * sizes.closeUp);
    this.#looked = new Float32Array(maxFrames * sizes.looks);
    this.#logits = new Output(padded(maxFrames) * sizes.logits);
  }

  /** Runs the frames, `maxFrames` at a time, and writes into each one's memory its logits, and what its close-up looks like. */
  async run(inputs: readonly ModelInput[]): Promise<void> {
    const { maxFrames } = this.#options;
    for (let start = 0; start < inputs.length; start += maxFrames) {
      await this.#runBatch(inputs.slice(start, start + maxFrames));
    }
  }

  async #runBatch(inputs: readonly ModelInput[]): Promise<void> {
    const sizes = this.#sizes;
    const seenCloser = inputs.filter(({ hasCloseUp }) => hasCloseUp);
    for (const [i, { image, logMel, earlier, looks }] of inputs.entries()) {
      this.#image.set(image, i * sizes.image);
      this.#logMel.set(logMel, i * sizes.logMel);
      this.#earlier.set(earlier, i * sizes.earlier);
      this.#looks.set(looks, i * sizes.looks);
    }
    for (const [i, { closeUp }] of seenCloser.entries()) this.#closeUp.set(closeUp, i * sizes.closeUp);
    await this.warmUp(inputs.length, seenCloser.length);
    for (const [i, { looks }] of seenCloser.entries()) {
      looks.set(this.#looked.subarray(i * sizes.looks, (i + 1) * sizes.looks));
    }
    for (const [i, { logits }] of inputs.entries()) {
      logits.set(this.#logits.subarray(i * sizes.logits, (i + 1) * sizes.logits));
    }
  }

  /** Runs a batch of whatever the buffers hold. The rows that padding adds hold older frames; nobody reads their logits. */
  async warmUp(frames: number, closeUps = 0): Promise<void> {
    const { padded, run } = this.#options;
    const sizes = this.#sizes;
    const rows = padded(frames);
    await run({
      frames: rows,
      image: this.#image.subarray(0, rows * sizes.image),
      logMel: this.#logMel.subarray(0, rows * sizes.logMel),
      earlier: this.#earlier.subarray(0, rows * sizes.earlier),
      looks: this.#looks.subarray(0, rows * sizes.looks),
      closeUps,
      closeUp: this.#closeUp.subarray(0, closeUps * sizes.closeUp),
      looked: this.#looked.subarray(0, closeUps * sizes.looks),
      logits: this.#logits.subarray(0, rows * sizes.logits),
    });
  }
}
