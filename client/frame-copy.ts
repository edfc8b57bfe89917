/** Messages between the page and frame-copy-worker.ts, and the size of a copy. */

/** Page to worker, once: what to copy. The stream is transferred. */
export interface FrameCopyJob {
  readonly readable: ReadableStream<VideoFrame>;
  /** Larger frames are scaled down to this width, pixels. */
  readonly maxWidth: number;
}

/** Page to worker, for each frame that has arrived. */
export const FRAME_TAKEN = 'taken';

/** Worker to page; the image is transferred. */
export interface CopiedFrame {
  readonly timestampMs: number;
  /** When the frame reached the worker, ms since the Unix epoch: the two threads' `performance.now()` start apart. */
  readonly arrivalUnixMs: number;
  readonly image: ImageBitmap | VideoFrame;
  /** Size as captured, pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames not copied so far, because the page had not taken those before. */
  readonly droppedFrames: number;
}

/** What makes `createImageBitmap` scale a frame down to `maxWidth` where it is wider. */
export function imageSize(width: number, height: number, maxWidth: number): ImageBitmapOptions {
  if (width <= maxWidth) return {};
  return { resizeWidth: maxWidth, resizeHeight: Math.round((height * maxWidth) / width), resizeQuality: 'low' };
}
