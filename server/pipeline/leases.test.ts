import fc from 'fast-check';
import { Subject, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { FakeFrame } from '../../test/fixtures/fake-media.ts';
import { freeInputs, poolOf, settled, timedFrame } from '../../test/fixtures/flow.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { LogMel } from '../dsp/log-mel.ts';
import { RollingLogMel } from '../dsp/rolling-log-mel.ts';
import { FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import type { SegmentReply } from '../inference/segmenter.ts';
import { MediaClocks } from '../media/media-clock.ts';
import { MaskEncoder } from '../output/mask-encoder.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { AudioTimeline } from './audio-timeline.ts';
import { encode } from './encode.ts';
import type { TimedFrame } from './flow.ts';
import { MaskRate } from './mask-rate.ts';
import { MeanTurnaround } from './mean-turnaround.ts';
import { pairAudio } from './pair-audio.ts';
import { sample } from './sample.ts';
import { segment } from './segment.ts';
import { slideWindow } from './window.ts';

const INPUTS = 5;
const WINDOW_LENGTH = 2;
const SOUND_MS = 60;
const { audio, output, threshold } = tinyManifest();
const logMel = new LogMel(audio);

/** From frames to masks, with every wait in the hands of the test. */
class Flow {
  readonly pool = poolOf(INPUTS);
  readonly frames: FakeFrame[] = [];
  readonly #frames$ = new Subject<TimedFrame>();
  readonly #heard$ = new Subject<void>();
  readonly #scalings: PromiseWithResolvers<void>[] = [];
  readonly #runs: PromiseWithResolvers<SegmentReply>[] = [];
  readonly #timeline = new AudioTimeline(audio.sampleRateHz, logMel.sampleCount, audio.hopLength);
  #nowMs = 0;
  #heardMs = 0;

  constructor(temporal: boolean) {
    const clock = new MediaClocks(0).begin('audio', 48_000);
    clock.observe({ rtpTimestamp: 0, arrivalMs: 0 });
    this.#timeline.begin(clock, () => {});
    const manifest = { ...tinyManifest(), temporal };
    const telemetry = new TelemetryCollector();
    const turns = new MaskRate(10, new MeanTurnaround());
    const segmenter = new FakeSegmenter(manifest, () => {
      const run = Promise.withResolvers<SegmentReply>();
      this.#runs.push(run);
      return run.promise;
    });
    const subscription = this.#frames$
      .pipe(
        sample(this.pool, manifest, turns, () => true, telemetry),
        pairAudio({
          timeline: this.#timeline,
          logMel: new RollingLogMel(logMel),
          heard$: this.#heard$,
          onSenderClock: () => false,
          telemetry,
          nowMs: () => this.#nowMs,
          scheduler: new VirtualTimeScheduler(),
        }),
        slideWindow(WINDOW_LENGTH),
        segment({ sessionId: 's', segmenter, turns, telemetry }),
        encode(new MaskEncoder(1, output.width, output.height, threshold), telemetry),
      )
      .subscribe();
    this.end = () => subscription.unsubscribe();
  }

  readonly end: () => void;

  frame(): void {
    this.#nowMs += 100;
    if (!this.#frames$.observed) return;
    const scaling = Promise.withResolvers<void>();
    this.#scalings.push(scaling);
    const frame = new FakeFrame(this.#nowMs * 90, 0, scaling.promise);
    this.frames.push(frame);
    this.#frames$.next(timedFrame(this.#nowMs, frame));
  }

  sound(amplitude: number): void {
    const samplesPerMs = audio.sampleRateHz / 1000;
    this.#timeline.write(this.#heardMs * samplesPerMs, new Float32Array(SOUND_MS * samplesPerMs).fill(amplitude));
    this.#timeline.arrived(this.#nowMs);
    this.#heardMs += SOUND_MS;
    this.#heard$.next();
  }

  scaled(): void {
    this.#scalings.shift()?.resolve();
  }

  unscalable(): void {
    this.#scalings.shift()?.reject(new Error('the decoder closed'));
  }

  answer(): void {
    this.#runs.shift()?.resolve(IMMEDIATE_LOGITS);
  }

  fail(): void {
    this.#runs.shift()?.reject(new Error('the run failed'));
  }

  async finish(): Promise<void> {
    this.end();
    while (this.#scalings.length > 0) this.scaled();
    while (this.#runs.length > 0) this.answer();
    await settled();
  }
}

const STEPS = {
  frame: (flow: Flow) => flow.frame(),
  loud: (flow: Flow) => flow.sound(0.5),
  quiet: (flow: Flow) => flow.sound(0),
  scaled: (flow: Flow) => flow.scaled(),
  unscalable: (flow: Flow) => flow.unscalable(),
  answer: (flow: Flow) => flow.answer(),
  fail: (flow: Flow) => flow.fail(),
  settled: () => settled(),
  end: (flow: Flow) => flow.end(),
};
const step = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom<keyof typeof STEPS>('frame', 'loud', 'scaled', 'settled') },
  { weight: 10, arbitrary: fc.constantFrom<keyof typeof STEPS>('quiet', 'unscalable', 'answer', 'fail') },
  { weight: 1, arbitrary: fc.constant<keyof typeof STEPS>('end') },
);

describe('the flow from frames to masks', () => {
  it('returns every input and closes every frame once, in any interleaving and wherever it ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, temporal) => {
        const flow = new Flow(temporal);
        for (const one of steps) await STEPS[one](flow);
        await flow.finish();
        expect(freeInputs(flow.pool)).toBe(INPUTS);
        expect(flow.frames.map(({ closings }) => closings)).toEqual(flow.frames.map(() => 1));
      }),
      { numRuns: 100 },
    );
  });
});
