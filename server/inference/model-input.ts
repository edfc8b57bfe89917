/** Shared memory for one frame's passage through the model. */
import type { ModelManifest } from './manifest.ts';
import type { ModelInput } from './segmenter.ts';

/** Elements of each tensor of one frame. */
export interface FrameSizes {
  /** Of the uint8 NHWC image [1, H, W, 3]. */
  readonly image: number;
  /** Of the float32 log-mel [1, 1, frames, bands]. */
  readonly logMel: number;
  /** Of the uint8 NCHW earlier frames [1, ages, H, W]; 0 when the model sees no motion. */
  readonly earlier: number;
  /** Of the output: logits [1, K, H, W] or mask [1, 1, H, W]. */
  readonly logits: number;
}

export function frameSizes({ inputs, output, classes }: ModelManifest): FrameSizes {
  return {
    image: inputs.image.height * inputs.image.width * inputs.image.channels,
    logMel: inputs.logMel.frames * inputs.logMel.bands,
    earlier: inputs.earlier ? inputs.earlier.agesMs.length * inputs.earlier.height * inputs.earlier.width : 0,
    logits: (output.type === 'uint8' ? 1 : classes.length) * output.height * output.width,
  };
}

/** Array type of the model's output. */
export const outputArray = ({ output }: ModelManifest) => (output.type === 'uint8' ? Uint8Array : Float32Array);

/** Allocates one frame's buffers, zeroed, in one SharedArrayBuffer. The caller owns them and lends them with each request. */
export function allocateModelInput(manifest: ModelManifest): ModelInput {
  const sizes = frameSizes(manifest);
  const logMelBytes = sizes.logMel * Float32Array.BYTES_PER_ELEMENT;
  const logitsBytes = sizes.logits * outputArray(manifest).BYTES_PER_ELEMENT;
  const memory = new SharedArrayBuffer(logMelBytes + logitsBytes + sizes.image + sizes.earlier);
  // Floats first: their offsets must be multiples of four.
  return {
    logMel: new Float32Array(memory, 0, sizes.logMel),
    logits:
      manifest.output.type === 'uint8'
        ? new Uint8Array(memory, logMelBytes, sizes.logits)
        : new Float32Array(memory, logMelBytes, sizes.logits),
    image: new Uint8Array(memory, logMelBytes + logitsBytes, sizes.image),
    earlier: new Uint8Array(memory, logMelBytes + logitsBytes + sizes.image, sizes.earlier),
  };
}
