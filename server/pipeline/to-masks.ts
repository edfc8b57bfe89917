/** Operator: decoded frames to encoded masks; what a live session and a file have in common. */
import { identity, type Observable, type OperatorFunction } from 'rxjs';
import { LogMel, patchSamples } from '../dsp/log-mel.ts';
import { RollingLogMel } from '../dsp/rolling-log-mel.ts';
import type { ModelManifest } from '../inference/manifest.ts';
import { allocateModelInput } from '../inference/model-input.ts';
import type { Segmenter } from '../inference/segmenter.ts';
import { MaskEncoder } from '../output/mask-encoder.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { AudioTimeline } from './audio-timeline.ts';
import { CloseUps } from './close-ups.ts';
import { encode } from './encode.ts';
import type { EncodedMask, TimedFrame } from './flow.ts';
import { InputPool } from './input-pool.ts';
import type { MaskTurns } from './mask-rate.ts';
import { pairAudio } from './pair-audio.ts';
import { sample } from './sample.ts';
import { segment } from './segment.ts';
import { stabilise } from './stabilise.ts';
import { slideWindow } from './window.ts';

/** Model inputs beyond the window: one being scaled, one waiting for its sound, one at the model. */
const SPARE_INPUTS = 3;

export interface MaskParts {
  readonly sessionId: string;
  readonly segmenter: Segmenter;
  readonly turns: MaskTurns;
  /** Whether anybody would get a mask now. */
  readonly wanted: () => boolean;
  /** Made by {@link timelineOf} the segmenter's manifest. */
  readonly timeline: AudioTimeline;
  /** Emits whenever the timeline has grown. */
  readonly heard$: Observable<unknown>;
  readonly onSenderClock: () => boolean;
  readonly telemetry: Telemetry;
}

export function timelineOf({ audio }: ModelManifest): AudioTimeline {
  return new AudioTimeline(audio.sampleRateHz, patchSamples(audio), audio.hopLength);
}

/** Closes every frame; each mask is one of a frame that was due. */
export function toMasks(parts: MaskParts): OperatorFunction<TimedFrame, EncodedMask> {
  const { sessionId, segmenter, turns, wanted, timeline, heard$, onSenderClock, telemetry } = parts;
  const { manifest } = segmenter;
  const { classes, output, threshold, windowLength } = manifest;
  const pool = new InputPool(Array.from({ length: windowLength + SPARE_INPUTS }, () => allocateModelInput(manifest)));
  const logMel = new RollingLogMel(new LogMel(manifest.audio));
  const encoder = new MaskEncoder(classes.length, output.width, output.height, threshold);
  const closeUps = manifest.inputs.closeUp && new CloseUps(manifest.inputs.closeUp);
  return (frames$) =>
    frames$.pipe(
      sample(pool, manifest, turns, wanted, telemetry, closeUps),
      pairAudio({ timeline, logMel, heard$, onSenderClock, telemetry }),
      slideWindow(windowLength),
      segment({ sessionId, segmenter, turns, closeUps, telemetry }),
      encode(encoder, telemetry),
      manifest.inputs.earlier ? stabilise() : identity,
    );
}
