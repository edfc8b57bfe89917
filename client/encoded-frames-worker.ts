/** Passes a sender's encoded frames on as they are, and tells the page when each left the encoder. */
import { type EncodedFrame, READY } from './encoded-frames.ts';

addEventListener('rtctransform', ((event: RTCTransformEvent) => {
  const { readable, writable } = event.transformer;
  const tell = new TransformStream<RTCEncodedVideoFrame, RTCEncodedVideoFrame>({
    transform(frame, controller) {
      const encodedUnixMs = performance.timeOrigin + performance.now();
      controller.enqueue(frame);
      const { rtpTimestamp } = frame.getMetadata();
      if (rtpTimestamp !== undefined) postMessage({ rtpTimestamp, encodedUnixMs } satisfies EncodedFrame);
    },
  });
  readable.pipeThrough(tell).pipeTo(writable);
}) as EventListener);
postMessage(READY);
