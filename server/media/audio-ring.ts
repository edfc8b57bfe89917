/** The last seconds of a track's audio, addressed by media time. */

/**
 * Positions count samples from an origin that never changes: unwrapped RTP time at the ring's rate. A change of the clock that
 * maps capture times to positions moves where a patch is read, never what was written, so slewing cannot tear the sound.
 */
export class AudioRing {
  readonly #samples: Float32Array;
  readonly #mask: number;
  #start: number | undefined;
  #end = 0;

  /**
   * @param capacity samples kept, a power of two; 65536 are 4.1 s at 16 kHz.
   * @throws RangeError
   */
  constructor(capacity = 65_536) {
    if (!Number.isInteger(capacity) || capacity < 1 || (capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`ring capacity must be a power of two, not ${capacity}`);
    }
    this.#samples = new Float32Array(capacity);
    this.#mask = capacity - 1;
  }

  /** Position after the newest sample; 0 before the first. */
  get end(): number {
    return this.#end;
  }

  /**
   * Samples that never come stay zero; ones that come late or twice go where they belong, or nowhere once that place is given up.
   * @param position of the first sample, whole.
   */
  write(position: number, samples: Float32Array): void {
    const end = position + samples.length;
    if (this.#start === undefined) this.#end = position;
    this.#start = Math.min(this.#start ?? position, position);
    if (end > this.#end) {
      this.#silence(this.#end, end);
      this.#end = end;
    }
    const oldest = this.#end - this.#samples.length;
    const skipped = Math.min(samples.length, Math.max(0, oldest - position));
    for (let i = skipped; i < samples.length; i++) this.#samples[(position + i) & this.#mask] = samples[i]!;
  }

  /**
   * Copies the `out.length` samples that end before `endPosition`; ones outside of the ring are zero.
   * @param endPosition whole.
   */
  read(endPosition: number, out: Float32Array): void {
    const first = endPosition - out.length;
    const oldest = Math.max(this.#start ?? Infinity, this.#end - this.#samples.length);
    const until = Math.min(endPosition, this.#end);
    out.fill(0);
    // In two pieces where the ring wraps.
    for (let position = Math.max(first, oldest); position < until; ) {
      const at = position & this.#mask;
      const count = Math.min(until - position, this.#samples.length - at);
      out.set(this.#samples.subarray(at, at + count), position - first);
      position += count;
    }
  }

  #silence(from: number, to: number): void {
    for (let position = Math.max(from, to - this.#samples.length); position < to; position++) {
      this.#samples[position & this.#mask] = 0;
    }
  }
}

/** @returns RMS level, dB relative to a full-scale square wave (dBFS); -Infinity for digital silence. */
export function levelDbfs(samples: Float32Array): number {
  let sum = 0;
  // An iterator would cost several times as much.
  for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!;
  return 10 * Math.log10(sum / samples.length);
}
