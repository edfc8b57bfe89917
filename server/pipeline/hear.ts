/** Operator: the newest audio track, decoded and resampled into the timeline when it is read; emits with each packet. */
import { Observable, type OperatorFunction, switchMap } from 'rxjs';
import type { DecoderFactory } from '../media/decoder.ts';
import type { EncodedChunk } from '../media/encoded-chunk.ts';
import type { MediaClocks } from '../media/media-clock.ts';
import { Resampler } from '../media/resample.ts';
import type { RemoteTrack } from '../peer/peer.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AudioTimeline } from './audio-timeline.ts';

/** Half a second of the usual packets of 20 ms. */
const MAX_UNDECODED = 25;

/**
 * Switches to each new track; the timeline forgets the one before. Packets wait to be decoded until a patch is asked for: some
 * in a row cost less than each on its own, with the caches cold.
 */
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
        const undecoded: EncodedChunk[] = [];
        const resampler = new Resampler(track.clockRate, timeline.sampleRateHz);
        let undecodable = 0;
        let arrivalMs = 0;
        const decoder = decoders.createAudioDecoder(track.codec, track.channels, {
          audio: ({ rtpTimestamp, samples }) => {
            const { position, samples: resampled } = resampler.resample(clock.unwrap(rtpTimestamp), samples);
            timeline.write(position, resampled);
            timeline.arrived(arrivalMs);
          },
        });
        const decode = () => {
          for (const chunk of undecoded.splice(0)) {
            arrivalMs = chunk.arrivalMs;
            decoder.decode(chunk);
          }
          if (decoder.dropped > undecodable) {
            telemetry.drop('audio-undecodable', decoder.dropped - undecodable);
            undecodable = decoder.dropped;
          }
        };
        timeline.begin(clock, decode);
        subscriber.add(() => {
          undecoded.length = 0;
          decoder.close();
        });
        track.listen({
          chunk: (chunk) => {
            if (subscriber.closed) return;
            clock.observe(chunk);
            undecoded.push(chunk);
            if (undecoded.length >= MAX_UNDECODED) decode();
            subscriber.next();
          },
          senderReport: (report) => clock.senderReport(report),
          ended: () => {},
        });
      }),
  );
}
