/** Operator: the newest audio track, decoded and resampled into the timeline; emits after each packet. */
import { Observable, type OperatorFunction, switchMap } from 'rxjs';
import type { DecoderFactory } from '../media/decoder.ts';
import type { MediaClocks } from '../media/media-clock.ts';
import { Resampler } from '../media/resample.ts';
import type { RemoteTrack } from '../peer/peer.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AudioTimeline } from './audio-timeline.ts';

/** Switches to each new track; the timeline forgets the one before. */
export function hear(
  decoders: DecoderFactory,
  clocks: MediaClocks,
  timeline: AudioTimeline,
  telemetry: Telemetry,
): OperatorFunction<RemoteTrack, void> {
  return switchMap(
    (track) =>
      new Observable<void>((subscriber) => {
        const clock = clocks.begin('audio', track.clockRate);
        timeline.begin(clock);
        const resampler = new Resampler(track.clockRate, timeline.sampleRateHz);
        let undecodable = 0;
        const decoder = decoders.createAudioDecoder(track.codec, track.channels, {
          audio: ({ rtpTimestamp, samples }) => {
            const { position, samples: resampled } = resampler.resample(clock.unwrap(rtpTimestamp), samples);
            timeline.write(position, resampled, performance.now());
            subscriber.next();
          },
        });
        subscriber.add(() => decoder.close());
        track.listen({
          chunk: (chunk) => {
            if (subscriber.closed) return;
            clock.observe(chunk);
            decoder.decode(chunk);
            if (decoder.dropped > undecodable) {
              telemetry.drop('audio-undecodable', decoder.dropped - undecodable);
              undecodable = decoder.dropped;
            }
          },
          senderReport: (report) => clock.senderReport(report),
          ended: () => {},
        });
      }),
  );
}
