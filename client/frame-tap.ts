/** Hands out the frames of a local video track as they are captured, at display size. */
import type { LocalFrame } from './frame-ring.ts';

/** The API that gave the frames: what the status shows. */
export type FrameTapKind = 'MediaStreamTrackProcessor' | 'requestVideoFrameCallback';

export interface FrameTap {
  readonly kind: FrameTapKind;
  /** Frames that arrived while an earlier one was still being copied. */
  readonly droppedFrames: number;
  /** Idempotent. The track itself goes on: it belongs to whoever made it. */
  close(): void;
}

/** Larger frames are kept scaled down to this width, pixels. */
const MAX_IMAGE_WIDTH = 960;
/**
 * Frames the processor may hold while the page's thread is busy: 0.4 s at 30 frames/s. A frame that is lost here is
 * sent all the same, and its mask finds no frame.
 */
const PROCESSOR_BUFFER_FRAMES = 12;

/** Places a track's timestamps on the timeline of `performance.now()`: the fastest delivery seen marks the capture. */
export class CaptureClock {
  /** Lets the estimate follow clocks that drift apart, ms a ms: 100 ppm. */
  static readonly #DRIFT = 1e-4;
  #offsetMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;

  /**
   * @param timestampMs on the track's timeline.
   * @param arrivalMs when it reached the page, `performance.now()`.
   * @returns capture time, ms on `performance.now()`'s timeline, at most `arrivalMs`.
   */
  observe(timestampMs: number, arrivalMs: number): number {
    const drifted = this.#offsetMs + (arrivalMs - this.#lastMs) * CaptureClock.#DRIFT;
    this.#lastMs = arrivalMs;
    this.#offsetMs = Math.min(drifted, arrivalMs - timestampMs);
    return timestampMs + this.#offsetMs;
  }
}

function imageSize(width: number, height: number): ImageBitmapOptions {
  const scale = Math.min(1, MAX_IMAGE_WIDTH / width);
  return scale === 1
    ? {}
    : { resizeWidth: Math.round(width * scale), resizeHeight: Math.round(height * scale), resizeQuality: 'low' };
}

/**
 * @param onFrame takes ownership of the frame's image.
 * @returns undefined when the browser has no API that tells one frame from the next.
 */
export function tapFrames(track: MediaStreamTrack, onFrame: (frame: LocalFrame) => void): FrameTap | undefined {
  if (typeof MediaStreamTrackProcessor === 'function') return tapProcessor(track, onFrame);
  if ('requestVideoFrameCallback' in HTMLVideoElement.prototype) return tapVideoElement(track, onFrame);
  return undefined;
}

function tapProcessor(track: MediaStreamTrack, onFrame: (frame: LocalFrame) => void): FrameTap {
  const clock = new CaptureClock();
  // A clone, because a processor's end must not end the track that is being sent.
  const clone = track.clone();
  const reader = new MediaStreamTrackProcessor({
    track: clone,
    maxBufferSize: PROCESSOR_BUFFER_FRAMES,
  }).readable.getReader();
  let closed = false;
  const deliver = async (frame: VideoFrame, before: Promise<void>) => {
    const arrivalMs = performance.now();
    const { displayWidth: width, displayHeight: height } = frame;
    const timestampMs = frame.timestamp / 1000;
    const copy = createImageBitmap(frame, imageSize(width, height));
    try {
      const image = await copy;
      await before;
      if (closed) image.close();
      else onFrame({ timestampMs, captureTimeMs: clock.observe(timestampMs, arrivalMs), image, width, height });
    } finally {
      frame.close();
    }
  };
  const read = async () => {
    let before = Promise.resolve();
    while (!closed) {
      const { value: frame, done } = await reader.read();
      if (done) return;
      // Two copies at a time, handed on in order.
      const delivery = deliver(frame, before);
      await before;
      before = delivery;
    }
  };
  // Reading ends with the track; a frame that cannot be copied ends the picture, not the session.
  read().catch((error: unknown) => console.warn('avsac-live: local frames ended', error));
  return {
    kind: 'MediaStreamTrackProcessor',
    droppedFrames: 0,
    close() {
      if (closed) return;
      closed = true;
      reader.cancel().catch(() => undefined);
      clone.stop();
    },
  };
}

function tapVideoElement(track: MediaStreamTrack, onFrame: (frame: LocalFrame) => void): FrameTap {
  const clock = new CaptureClock();
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  let closed = false;
  let copying = false;
  let droppedFrames = 0;
  const next = (_now: DOMHighResTimeStamp, metadata: VideoFrameCallbackMetadata) => {
    if (closed) return;
    video.requestVideoFrameCallback(next);
    if (copying) {
      droppedFrames++;
      return;
    }
    copying = true;
    const timestampMs = metadata.mediaTime * 1000;
    const observedMs = clock.observe(timestampMs, metadata.presentationTime);
    const { width, height } = metadata;
    createImageBitmap(video, imageSize(width, height)).then(
      (image) => {
        copying = false;
        if (closed) image.close();
        else onFrame({ timestampMs, captureTimeMs: metadata.captureTime ?? observedMs, image, width, height });
      },
      () => {
        copying = false;
        droppedFrames++;
      },
    );
  };
  video.requestVideoFrameCallback(next);
  video.play().catch((error: unknown) => console.warn('avsac-live: local preview did not start', error));
  return {
    kind: 'requestVideoFrameCallback',
    get droppedFrames() {
      return droppedFrames;
    },
    close() {
      if (closed) return;
      closed = true;
      video.srcObject = null;
    },
  };
}
