/** A decoded picture in the library's memory. */
import type * as av from 'node-av/lib';
import { AvsacError } from '../../shared/errors.ts';
import type { DecodedFrame } from './decoder.ts';
import type { FrameScaler } from './node-av-scaler.ts';

/** Owns the library's frame until it is closed. */
export class NodeAvFrame implements DecodedFrame {
  readonly rtpTimestamp: number;
  readonly width: number;
  readonly height: number;
  readonly #scaler: FrameScaler;
  #frame: av.Frame | undefined;

  constructor(frame: av.Frame, rtpTimestamp: number, scaler: FrameScaler) {
    this.rtpTimestamp = rtpTimestamp;
    this.width = frame.width;
    this.height = frame.height;
    this.#frame = frame;
    this.#scaler = scaler;
  }

  async scaleTo(rgb: Uint8Array, width: number, height: number): Promise<void> {
    this.#scaler.scale(this.#open(), rgb, width, height, 'rgb');
  }

  lumaTo(luma: Uint8Array, width: number, height: number): void {
    this.#scaler.scale(this.#open(), luma, width, height, 'luma');
  }

  close(): void {
    this.#frame?.free();
    this.#frame = undefined;
  }

  #open(): av.Frame {
    if (this.#frame === undefined) throw new AvsacError('internal', 'a closed frame cannot be scaled');
    return this.#frame;
  }
}
