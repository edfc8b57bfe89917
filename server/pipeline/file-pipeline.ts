/** The flow of a file: frame by frame as fast as they are answered, where a live session drops what comes too fast. */
import { map, NEVER, Subject } from 'rxjs';
import type { Segmenter } from '../inference/segmenter.ts';
import { FILE_SAMPLE_RATE_HZ, type FileSound, type Picture } from '../media/media-file.ts';
import { Resampler } from '../media/resample.ts';
import type { DropReason, Telemetry } from '../telemetry/telemetry.ts';
import type { AudioTimeline, TrackClock } from './audio-timeline.ts';
import type { EncodedMask } from './flow.ts';
import { SampleTurn } from './sample-turn.ts';
import { timelineOf, toMasks } from './to-masks.ts';

/** Presentation times, ms, on the samples of the file's sound. */
const FILE_CLOCK: TrackClock = {
  clockRateHz: FILE_SAMPLE_RATE_HZ,
  captureTimeMs: (time) => (time * 1000) / FILE_SAMPLE_RATE_HZ,
  timeAt: (presentationTimeMs) => (presentationTimeMs * FILE_SAMPLE_RATE_HZ) / 1000,
};

export class FilePipeline {
  readonly #maskRateHz: number;
  readonly #timeline: AudioTimeline;
  readonly #resampler: Resampler;
  readonly #pictures$ = new Subject<Picture>();
  readonly #turn = new SampleTurn();
  #due = false;
  #answer = Promise.withResolvers<EncodedMask>();

  /**
   * @param maskRateHz masks a second of the file.
   * @param dropped a mask was due and will not come.
   */
  constructor(segmenter: Segmenter, maskRateHz: number, dropped: (reason: DropReason) => Error) {
    this.#maskRateHz = maskRateHz;
    this.#timeline = timelineOf(segmenter.manifest);
    this.#timeline.begin(FILE_CLOCK, () => {});
    this.#resampler = new Resampler(FILE_SAMPLE_RATE_HZ, this.#timeline.sampleRateHz);
    const telemetry: Telemetry = {
      drop: (reason) => this.#answer.reject(dropped(reason)),
      count: () => {},
      observe: () => {},
    };
    this.#pictures$
      .pipe(
        map((frame) => ({ frame, captureTimeMs: frame.presentationTimeMs, arrivalMs: 0, decodedMs: 0 })),
        toMasks({
          sessionId: 'file',
          segmenter,
          turns: { due: () => this.#due, answered: () => {} },
          wanted: () => true,
          timeline: this.#timeline,
          heard$: NEVER,
          onSenderClock: () => false,
          telemetry,
        }),
      )
      .subscribe({
        next: (mask) => this.#answer.resolve(mask),
        error: (error) => this.#answer.reject(error),
      });
  }

  /** Sound of the file, in order; what a picture is paired with comes before it. */
  hear({ position, samples }: FileSound): void {
    const run = this.#resampler.resample(position, samples);
    this.#timeline.write(run.position, run.samples);
  }

  /** True when the sound of a picture at that time has been heard. */
  hasHeard(presentationTimeMs: number): boolean {
    return this.#timeline.covers(presentationTimeMs);
  }

  /**
   * The next picture, which is closed; sound that has not been heard by now is silence.
   * @returns its mask; undefined when none was due.
   */
  async segment(picture: Picture): Promise<EncodedMask | undefined> {
    this.#due = this.#turn.take(picture.presentationTimeMs, this.#maskRateHz);
    this.#answer = Promise.withResolvers();
    this.#pictures$.next(picture);
    return this.#due ? this.#answer.promise : undefined;
  }
}
