/** Colour conversion and scaling of decoded pictures, in one native pass. */

import type { AVPixelFormat } from 'node-av/constants';
import type * as av from 'node-av/lib';

/** The parts of the decoder library that a scaler needs, loaded by its one importer. */
export interface ScalerLibrary {
  readonly Frame: typeof av.Frame;
  readonly SoftwareScaleContext: typeof av.SoftwareScaleContext;
  readonly formats: Readonly<Record<PixelLayout, AVPixelFormat>>;
}

/** Interleaved RGB, or luma alone; row-major uint8, 0..255 full range. */
export type PixelLayout = 'rgb' | 'luma';

const CHANNELS = { rgb: 3, luma: 1 } as const satisfies Record<PixelLayout, number>;

interface Scaler {
  readonly context: av.SoftwareScaleContext;
  readonly target: av.Frame;
}

/**
 * Scales by area averaging. One a thread is enough: calls are synchronous, and it keeps one native context for each
 * geometry in use, so that sessions of different sizes do not rebuild each other's filters.
 */
export class FrameScaler {
  /** Geometries kept; a thread serves few sizes at once, and a context of 640x480 holds some 200 kB. */
  static readonly #CAPACITY = 16;
  readonly #library: ScalerLibrary;
  readonly #scalers = new Map<string, Scaler>();

  constructor(library: ScalerLibrary) {
    this.#library = library;
  }

  /**
   * @param pixels the picture in `layout`, written.
   * @throws RangeError when `pixels` has another length; Error when the library cannot convert this pixel format.
   */
  scale(source: av.Frame, pixels: Uint8Array, width: number, height: number, layout: PixelLayout): void {
    const row = width * CHANNELS[layout];
    if (pixels.length !== height * row) {
      throw new RangeError(
        `a picture of ${width}x${height} has ${height * row} bytes (${layout}), not ${pixels.length}`,
      );
    }
    const { context, target } = this.#scaler(source, width, height, layout);
    const status = context.scaleFrameSync(target, source);
    const plane = target.data?.[0];
    const stride = target.linesize[0];
    if (status < 0 || plane === undefined || stride === undefined)
      throw new Error(`scaling failed (FFmpeg error ${status})`);
    if (stride === row) {
      pixels.set(plane.subarray(0, pixels.length));
      return;
    }
    for (let y = 0; y < height; y++) pixels.set(plane.subarray(y * stride, y * stride + row), y * row);
  }

  close(): void {
    for (const scaler of this.#scalers.values()) free(scaler);
    this.#scalers.clear();
  }

  #scaler(source: av.Frame, width: number, height: number, layout: PixelLayout): Scaler {
    const key = `${source.width}x${source.height}:${source.format}:${source.colorRange}:${source.colorSpace}>${width}x${height}:${layout}`;
    const known = this.#scalers.get(key);
    if (known !== undefined) {
      // Map order is age of last use.
      this.#scalers.delete(key);
      this.#scalers.set(key, known);
      return known;
    }
    const [oldestKey, oldest] = this.#scalers.entries().next().value ?? [];
    if (this.#scalers.size >= FrameScaler.#CAPACITY && oldestKey !== undefined && oldest !== undefined) {
      free(oldest);
      this.#scalers.delete(oldestKey);
    }
    const scaler = this.#create(width, height, layout);
    this.#scalers.set(key, scaler);
    return scaler;
  }

  #create(width: number, height: number, layout: PixelLayout): Scaler {
    const context = new this.#library.SoftwareScaleContext();
    // Not `getContext`: a context without fixed geometry takes matrix and range from the frame (BT.601 limited when it says nothing).
    context.allocContext();
    context.setOption('sws_flags', 'area');
    const target = new this.#library.Frame();
    target.alloc();
    target.width = width;
    target.height = height;
    target.format = this.#library.formats[layout];
    target.getBuffer();
    return { context, target };
  }
}

function free({ context, target }: Scaler): void {
  context.freeContext();
  target.free();
}
