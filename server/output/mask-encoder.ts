/** From logits to the classes of a mask message, never larger than the message may be. */
import { type ClassMask, MAX_MASK_MESSAGE_BYTES, maskMessageBytes } from '../../shared/mask-codec.ts';
import { encodeRuns } from '../../shared/rle.ts';

export interface EncodedClasses {
  readonly width: number;
  readonly height: number;
  readonly classes: readonly ClassMask[];
  /** True when the mask had to be halved to fit. */
  readonly reduced: boolean;
}

/** Thresholds and run-length encodes the masks of one model; its buffers are reused from mask to mask. */
export class MaskEncoder {
  readonly #classCount: number;
  readonly #width: number;
  readonly #height: number;
  readonly #logitThreshold: number;
  readonly #maxBytes: number;
  readonly #labels: Uint8Array;
  readonly #highest: Float32Array;
  readonly #mask: Uint8Array;

  /**
   * @param classCount K: 1 for a sigmoid mask, more for classes of which class 0 is the background.
   * @param threshold probability above which a pixel is lit when K = 1, 0..1 exclusive.
   * @param maxBytes upper bound of one message.
   */
  constructor(
    classCount: number,
    width: number,
    height: number,
    threshold: number,
    maxBytes: number = MAX_MASK_MESSAGE_BYTES,
  ) {
    this.#classCount = classCount;
    this.#width = width;
    this.#height = height;
    this.#logitThreshold = Math.log(threshold / (1 - threshold));
    this.#maxBytes = maxBytes;
    this.#labels = new Uint8Array(width * height);
    this.#highest = new Float32Array(width * height);
    this.#mask = new Uint8Array(width * height);
  }

  /** The answer of the silence gate. */
  empty(): EncodedClasses {
    return { width: this.#width, height: this.#height, classes: [], reduced: false };
  }

  /**
   * @param output float32 logits [K, height, width], or uint8 class indices [1, height, width], row-major; K = 1 has 0 unlit
   * and 1 lit.
   */
  encode(output: Float32Array | Uint8Array): EncodedClasses {
    let width = this.#width;
    let height = this.#height;
    let labels = output instanceof Uint8Array ? output : this.#label(output);
    for (let halvings = 0; ; halvings++) {
      const classes = this.#classesOf(labels, width, height);
      if (maskMessageBytes(classes) <= this.#maxBytes) return { width, height, classes, reduced: halvings > 0 };
      const halfWidth = Math.ceil(width / 2);
      const halfHeight = Math.ceil(height / 2);
      labels = halve(labels, width, height, halfWidth, halfHeight);
      width = halfWidth;
      height = halfHeight;
    }
  }

  /** One byte a pixel: 0 unlit, otherwise 1 (K = 1) or the class index. */
  #label(logits: Float32Array): Uint8Array {
    const pixels = this.#width * this.#height;
    const labels = this.#labels;
    if (this.#classCount === 1) {
      for (let i = 0; i < pixels; i++) labels[i] = logits[i]! > this.#logitThreshold ? 1 : 0;
      return labels;
    }
    // Class by class, in the order of memory: half the time of pixel by pixel.
    const highest = this.#highest;
    labels.fill(0);
    highest.set(logits.subarray(0, pixels));
    for (let k = 1; k < this.#classCount; k++) {
      const plane = logits.subarray(k * pixels, (k + 1) * pixels);
      for (let i = 0; i < pixels; i++) {
        if (plane[i]! <= highest[i]!) continue;
        highest[i] = plane[i]!;
        labels[i] = k;
      }
    }
    return labels;
  }

  #classesOf(labels: Uint8Array, width: number, height: number): ClassMask[] {
    if (this.#classCount === 1) {
      // Labels of 0 and 1 are the mask itself; a single run is one of zeros.
      const runs = encodeRuns(labels, width, height);
      return runs.length > 1 ? [{ classIndex: 0, runs }] : [];
    }
    const seen = new Uint8Array(256);
    for (let i = 0; i < width * height; i++) seen[labels[i]!] = 1;
    const present = [...seen.keys()].filter((label) => label !== 0 && seen[label] === 1);
    const mask = this.#mask.subarray(0, width * height);
    return present.map((label) => {
      for (let i = 0; i < mask.length; i++) mask[i] = labels[i] === label ? 1 : 0;
      return { classIndex: label, runs: encodeRuns(mask, width, height) };
    });
  }
}

/** Each pixel of the half-size labels is the upper left one of its four, so that thin noise goes first. */
function halve(labels: Uint8Array, width: number, height: number, halfWidth: number, halfHeight: number): Uint8Array {
  const half = new Uint8Array(halfWidth * halfHeight);
  for (let y = 0; y < halfHeight; y++) {
    for (let x = 0; x < halfWidth; x++) {
      half[y * halfWidth + x] = labels[Math.min(2 * y, height - 1) * width + Math.min(2 * x, width - 1)]!;
    }
  }
  return half;
}
