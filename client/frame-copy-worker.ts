/** Copies the frames of a track to images and hands them to the page, in order. */
import { type CopiedFrame, FRAME_TAKEN, type FrameCopyJob, imageSize } from './frame-copy.ts';

/** Images on their way to a page that is too busy to take them: 0.8 s at 30 frames/s. A newer frame is given up then. */
const MAX_UNTAKEN = 24;

let untaken = 0;
let droppedFrames = 0;

addEventListener('message', ({ data }: MessageEvent<FrameCopyJob | typeof FRAME_TAKEN>) => {
  if (data === FRAME_TAKEN) untaken--;
  else copy(data);
});

async function copy({ readable, maxWidth }: FrameCopyJob): Promise<void> {
  const reader = readable.getReader();
  let before = Promise.resolve();
  for (;;) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    if (untaken >= MAX_UNTAKEN) {
      droppedFrames++;
      frame.close();
      continue;
    }
    // Two at a time, handed on in order.
    const delivery = deliver(frame, maxWidth, before);
    await before;
    before = delivery;
  }
}

async function deliver(frame: VideoFrame, maxWidth: number, before: Promise<void>): Promise<void> {
  const arrivalUnixMs = performance.timeOrigin + performance.now();
  const { displayWidth: width, displayHeight: height, timestamp } = frame;
  untaken++;
  try {
    const image = await copyOf(frame, maxWidth);
    await before;
    const copied: CopiedFrame = { timestampMs: timestamp / 1000, arrivalUnixMs, image, width, height, droppedFrames };
    postMessage(copied, { transfer: [image] });
  } finally {
    frame.close();
  }
}

/**
 * In memory and in its own pixel format where that can be had: a tenth of the work of making an RGB image, which most
 * frames would never need. A camera's own frame must not be kept: its pool is small, and the camera stops when it is empty.
 */
async function copyOf(frame: VideoFrame, maxWidth: number): Promise<ImageBitmap | VideoFrame> {
  const { displayWidth, displayHeight, visibleRect, format, timestamp, colorSpace } = frame;
  if (format === null || visibleRect === null || displayWidth > maxWidth) {
    return createImageBitmap(frame, imageSize(displayWidth, displayHeight, maxWidth));
  }
  const data = new ArrayBuffer(frame.allocationSize());
  const layout = await frame.copyTo(data);
  const { width: codedWidth, height: codedHeight } = visibleRect;
  return new VideoFrame(data, {
    format,
    codedWidth,
    codedHeight,
    displayWidth,
    displayHeight,
    timestamp,
    layout,
    colorSpace: colorSpace.toJSON(),
    transfer: [data],
  } as VideoFrameBufferInit);
}
