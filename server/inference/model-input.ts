/** Shared memory for one frame's passage through the model. */
import type { ModelManifest, PictureInput } from './manifest.ts';
import type { ModelInput } from './segmenter.ts';

/** Elements of each tensor of one frame. */
export interface FrameSizes {
  /** Of the uint8 NHWC image [1, H, W, 3]. */
  readonly image: number;
  /** Of the float32 log-mel [1, 1, frames, bands]. */
  readonly logMel: number;
  /** Of the uint8 NCHW earlier frames [1, ages, H, W]; 0 when the model sees no motion. */
  readonly earlier: number;
  /** Of the uint8 NHWC close-up [1, H, W, 3] and the float32 looks [1, positions, kinds]; 0 when the model sees no close-ups. */
  readonly closeUp: number;
  readonly looks: number;
  /** Of the output: logits [1, K, H, W] or mask [1, 1, H, W]. */
  readonly logits: number;
}

export function frameSizes({ inputs, output, classes }: ModelManifest): FrameSizes {
  const pixels = ({ height, width, channels }: PictureInput) => height * width * channels;
  return {
    image: pixels(inputs.image),
    closeUp: inputs.closeUp ? pixels(inputs.closeUp) : 0,
    looks: inputs.closeUp ? inputs.closeUp.looks.positions * inputs.closeUp.looks.kinds : 0,
    logMel: inputs.logMel.frames * inputs.logMel.bands,
    earlier: inputs.earlier ? inputs.earlier.agesMs.length * inputs.earlier.height * inputs.earlier.width : 0,
    logits: (output.type === 'uint8' ? 1 : classes.length) * output.height * output.width,
  };
}

/** Array type of the model's output. */
export const outputArray = ({ output }: ModelManifest) => (output.type === 'uint8' ? Uint8Array : Float32Array);

/** Allocates one frame's buffers, zeroed and without looks, in one SharedArrayBuffer. The caller owns them and lends them with each request. */
export function allocateModelInput(manifest: ModelManifest): ModelInput {
  const sizes = frameSizes(manifest);
  let bytes = 0;
  const place = (elements: number, bytesEach: number) => {
    const offset = bytes;
    bytes += elements * bytesEach;
    return offset;
  };
  // Floats first: their offsets must be multiples of four.
  const logMel = place(sizes.logMel, Float32Array.BYTES_PER_ELEMENT);
  const looks = place(sizes.looks, Float32Array.BYTES_PER_ELEMENT);
  const logits = place(sizes.logits, outputArray(manifest).BYTES_PER_ELEMENT);
  const [image, earlier, closeUp] = [sizes.image, sizes.earlier, sizes.closeUp].map((elements) => place(elements, 1));
  const memory = new SharedArrayBuffer(bytes);
  return {
    logMel: new Float32Array(memory, logMel, sizes.logMel),
    looks: new Float32Array(memory, looks, sizes.looks).fill(Number.NaN),
    logits:
      manifest.output.type === 'uint8'
        ? new Uint8Array(memory, logits, sizes.logits)
        : new Float32Array(memory, logits, sizes.logits),
    image: new Uint8Array(memory, image, sizes.image),
    earlier: new Uint8Array(memory, earlier, sizes.earlier),
    closeUp: new Uint8Array(memory, closeUp, sizes.closeUp),
    hasCloseUp: false,
  };
}
