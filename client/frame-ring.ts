/** The last moments of local video, so that a mask that comes back finds the very frame it was computed from. */

/** One local frame, kept at display size. */
export interface LocalFrame {
  /** Presentation time on the track's own timeline, ms: `VideoFrame.timestamp / 1000`. */
  readonly timestampMs: number;
  /** When it was captured on `performance.now()`'s timeline, ms, as well as the browser tells. */
  readonly captureTimeMs: number;
  /** When the page was given it, or would have been by a tap that makes none wait, `performance.now()`. */
  readonly arrivalMs: number;
  /** The picture; undefined where nothing is to be drawn (tests, measurements). */
  readonly image: ImageBitmap | VideoFrame | undefined;
  /** Size of the frame as captured, pixels. */
  readonly width: number;
  readonly height: number;
}

export interface FrameRingOptions {
  /** Age at which a frame leaves, counted from the newest, ms. */
  readonly spanMs: number;
  /** Most frames kept: bounds the memory whatever the frame rate. */
  readonly capacity: number;
}

/** 1.2 s at 30 frames/s of 640x480 RGBA is 44 MB. */
export const FRAME_RING_DEFAULTS = { spanMs: 1200, capacity: 48 } as const satisfies FrameRingOptions;

/** Frames in order of their timestamps. Owns their images: a frame that leaves is closed. When full the oldest leaves. */
export class FrameRing {
  readonly #options: FrameRingOptions;
  readonly #frames: LocalFrame[] = [];

  constructor(options: FrameRingOptions = FRAME_RING_DEFAULTS) {
    this.#options = options;
  }

  get frames(): readonly LocalFrame[] {
    return this.#frames;
  }

  /**
   * Takes ownership of `frame`. A timestamp that goes back means another track: all earlier frames leave. One that
   * repeats is the same frame again, as canvases send it at first: it is closed.
   */
  add(frame: LocalFrame): void {
    const newest = this.#frames.at(-1);
    if (newest !== undefined && frame.timestampMs === newest.timestampMs) {
      frame.image?.close();
      return;
    }
    if (newest !== undefined && frame.timestampMs < newest.timestampMs) this.clear();
    this.#frames.push(frame);
    while (
      this.#frames.length > this.#options.capacity ||
      frame.timestampMs - this.#frames[0]!.timestampMs > this.#options.spanMs
    ) {
      this.#frames.shift()!.image?.close();
    }
  }

  /** @returns the frame nearest to `timestampMs`, undefined when the ring is empty. */
  nearest(timestampMs: number): LocalFrame | undefined {
    let nearest: LocalFrame | undefined;
    for (const frame of this.#frames) {
      if (
        nearest === undefined ||
        Math.abs(frame.timestampMs - timestampMs) < Math.abs(nearest.timestampMs - timestampMs)
      ) {
        nearest = frame;
      }
    }
    return nearest;
  }

  /** @returns the newest frame not after `timestampMs`, undefined when there is none. */
  newestUntil(timestampMs: number): LocalFrame | undefined {
    return this.#frames.findLast((frame) => frame.timestampMs <= timestampMs);
  }

  has(frame: LocalFrame): boolean {
    return this.#frames.includes(frame);
  }

  clear(): void {
    for (const frame of this.#frames) frame.image?.close();
    this.#frames.length = 0;
  }
}
