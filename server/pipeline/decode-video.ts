/** Operator: the newest video track, decoded; broken streams cost a key-frame request. */
import { Observable, type OperatorFunction, switchMap } from 'rxjs';
import type { DecoderFactory } from '../media/decoder.ts';
import type { MediaClocks } from '../media/media-clock.ts';
import type { RemoteTrack } from '../peer/peer.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { TimedFrame } from './flow.ts';

/** Frames inside a decoder at once; beyond it arrival times are forgotten, oldest first. */
const MAX_DECODING = 64;

/** Switches to each new track and closes the decoder of the one before. Whoever receives a frame closes it. */
export function decodeVideo(
  decoders: DecoderFactory,
  clocks: MediaClocks,
  telemetry: Telemetry,
): OperatorFunction<RemoteTrack, TimedFrame> {
  return switchMap(
    (track) =>
      new Observable<TimedFrame>((subscriber) => {
        const arrivals = new Map<number, number>();
        const clock = clocks.begin('video', track.clockRate);
        let undecodable = 0;
        const decoder = decoders.createVideoDecoder(track.codec, {
          frame: (frame) => {
            const decodedMs = performance.now();
            const arrivalMs = arrivals.get(frame.rtpTimestamp) ?? decodedMs;
            arrivals.delete(frame.rtpTimestamp);
            telemetry.count('frames');
            const captureTimeMs = clock.captureTimeMs(clock.unwrap(frame.rtpTimestamp));
            subscriber.next({ frame, captureTimeMs, arrivalMs, decodedMs });
          },
          keyFrameNeeded: () => track.requestKeyFrame(),
        });
        subscriber.add(() => decoder.close());
        track.listen({
          chunk: (chunk) => {
            if (subscriber.closed) return;
            arrivals.set(chunk.rtpTimestamp, chunk.arrivalMs);
            if (arrivals.size > MAX_DECODING) arrivals.delete(arrivals.keys().next().value!);
            clock.observe(chunk);
            decoder.decode(chunk);
            if (decoder.dropped > undecodable) {
              telemetry.drop('awaiting-key-frame', decoder.dropped - undecodable);
              undecodable = decoder.dropped;
            }
          },
          senderReport: (report) => clock.senderReport(report),
          ended: () => {},
        });
        track.requestKeyFrame();
      }),
  );
}
