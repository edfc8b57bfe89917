/** Hands out the frames of a local video track as they are captured, at display size. */
import { CaptureClock } from './capture-clock.ts';
import { type CopiedFrame, FRAME_TAKEN, type FrameCopyJob, imageSize } from './frame-copy.ts';
import type { LocalFrame } from './frame-ring.ts';

/** The API that gave the frames: what the status shows. */
export type FrameTapKind = 'MediaStreamTrackProcessor' | 'requestVideoFrameCallback';

/**
 * A video element presents a frame at the screen's next refresh, so the fastest one of a track whose frames come in step
 * with the refreshes waits for as long as all others: 0 to 12 ms, 19 at times (measured). Half a refresh at 60 Hz.
 */
const REFRESH_WAIT_MS = 8;

export interface FrameTap {
  readonly kind: FrameTapKind;
  /** Frames given up because earlier ones had not been copied or taken yet. */
  readonly droppedFrames: number;
  /** Idempotent. The track itself goes on: it belongs to whoever made it. */
  close(): void;
}

/** Larger frames are kept scaled down to this width, pixels. */
const MAX_IMAGE_WIDTH = 960;
/** Frames the processor may hold while the worker waits for its turn: 0.4 s at 30 frames/s. */
const PROCESSOR_BUFFER_FRAMES = 12;

/**
 * @param onFrame takes ownership of the frame's image.
 * @returns undefined when the browser has no API that tells one frame from the next.
 */
export function tapFrames(track: MediaStreamTrack, onFrame: (frame: LocalFrame) => void): FrameTap | undefined {
  if (typeof MediaStreamTrackProcessor === 'function') return tapProcessor(track, onFrame);
  if ('requestVideoFrameCallback' in HTMLVideoElement.prototype) return tapVideoElement(track, onFrame);
  return undefined;
}

/** Copies in a worker, so that no frame is missed while the page's own thread is busy. */
function tapProcessor(track: MediaStreamTrack, onFrame: (frame: LocalFrame) => void): FrameTap {
  const clock = new CaptureClock();
  // A clone, because a processor's end must not end the track that is being sent.
  const clone = track.clone();
  const { readable } = new MediaStreamTrackProcessor({ track: clone, maxBufferSize: PROCESSOR_BUFFER_FRAMES });
  const worker = new Worker(new URL('./frame-copy-worker.ts', import.meta.url), { type: 'module' });
  let droppedFrames = 0;
  worker.addEventListener('message', ({ data }: MessageEvent<CopiedFrame>) => {
    worker.postMessage(FRAME_TAKEN);
    const { timestampMs, image, width, height } = data;
    droppedFrames = data.droppedFrames;
    const arrivalMs = data.arrivalUnixMs - performance.timeOrigin;
    onFrame({ timestampMs, captureTimeMs: clock.observe(timestampMs, arrivalMs), arrivalMs, image, width, height });
  });
  worker.postMessage({ readable, maxWidth: MAX_IMAGE_WIDTH } satisfies FrameCopyJob, [readable]);
  return {
    kind: 'MediaStreamTrackProcessor',
    get droppedFrames() {
      return droppedFrames;
    },
    close() {
      clone.stop();
      worker.terminate();
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
    const arrivalMs = metadata.presentationTime - REFRESH_WAIT_MS;
    const captureTimeMs = metadata.captureTime ?? clock.observe(timestampMs, arrivalMs);
    const { width, height } = metadata;
    createImageBitmap(video, imageSize(width, height, MAX_IMAGE_WIDTH)).then(
      (image) => {
        copying = false;
        if (closed) image.close();
        else onFrame({ timestampMs, captureTimeMs, arrivalMs, image, width, height });
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
