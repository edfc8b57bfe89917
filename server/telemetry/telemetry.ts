/** What every part counts and measures, by name. Threads collect; the main thread exposes (metrics.ts). */

/** Why a piece of work was dropped. Each drop increments `avsac_drops_total{reason}` and never raises an error. */
export const DROP_REASONS = {
  'frame-incomplete': 'an RTP packet of the frame never came',
  'awaiting-key-frame': 'a delta frame arrived before any key frame',
  'audio-undecodable': 'an audio packet could not be decoded',
  'slots-exhausted': 'every model input of the session was in use when the frame was due',
  'scale-failed': 'the decoder closed while the frame was being scaled',
  'pair-overflow': 'too many sampled frames waited for their audio',
  superseded: 'a newer window of the session was ready before this one could run',
  deadline: 'the window waited longer than its answer was useful',
  closed: 'the session ended with the window still waiting',
  'inference-failed': 'the model run failed',
  'channel-closed': 'a frame was due, but the mask channel was not open and nobody followed the results',
  'channel-behind': 'the mask channel had more bytes queued than one mask',
  'feed-behind': 'a listener of the results had not taken the one before',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

/** Durations and distances measured per mask, ms. */
export const MEASURES = {
  decode: 'last RTP packet of a frame to its picture',
  pair: 'picture to the audio patch that ends at its capture time',
  queue: 'window ready to the start of its batch',
  inference: 'run of the batch the window was in',
  encode: 'logits to mask message',
  total: 'last RTP packet of a frame to its mask handed on',
  skew: 'absolute distance of the audio patch end from the capture time of its frame',
  'event-loop-lag': 'delay of a timer in a media worker',
} as const;
export type Measure = keyof typeof MEASURES;

export const COUNTERS = {
  masks: 'masks handed to the data channel or to listeners of the results',
  gated: 'masks answered by the silence gate without a model run',
  frames: 'video frames decoded',
  samples: 'video frames sampled for the model',
  'without-motion':
    'samples with no earlier frames, for a model that sees motion: a start, a gap, less than 10 frames/s',
  'late-audio': 'pairs whose audio had not arrived in time and that took the newest there was',
} as const;
export type Counter = keyof typeof COUNTERS;

export interface Telemetry {
  drop(reason: DropReason, count?: number): void;
  count(counter: Counter, count?: number): void;
  observe(measure: Measure, valueMs: number): void;
}

/** One second of a thread's telemetry, as it travels to the main thread. */
export interface TelemetryBatch {
  readonly drops: Partial<Record<DropReason, number>>;
  readonly counts: Partial<Record<Counter, number>>;
  readonly observations: Partial<Record<Measure, number[]>>;
}

/** Collects until `take` is called; the owner calls it once a second, which bounds what is held. */
export class TelemetryCollector implements Telemetry {
  #drops: Partial<Record<DropReason, number>> = {};
  #counts: Partial<Record<Counter, number>> = {};
  #observations: Partial<Record<Measure, number[]>> = {};

  drop(reason: DropReason, count = 1): void {
    this.#drops[reason] = (this.#drops[reason] ?? 0) + count;
  }

  count(counter: Counter, count = 1): void {
    this.#counts[counter] = (this.#counts[counter] ?? 0) + count;
  }

  observe(measure: Measure, valueMs: number): void {
    this.#observations[measure] ??= [];
    this.#observations[measure].push(valueMs);
  }

  take(): TelemetryBatch {
    const batch = { drops: this.#drops, counts: this.#counts, observations: this.#observations };
    this.#drops = {};
    this.#counts = {};
    this.#observations = {};
    return batch;
  }
}

/** Hands everything to several receivers, e.g. a session's own figures and the server's. */
export function teeTelemetry(...receivers: readonly Telemetry[]): Telemetry {
  return {
    drop: (reason, count) => receivers.forEach((receiver) => void receiver.drop(reason, count)),
    count: (counter, count) => receivers.forEach((receiver) => void receiver.count(counter, count)),
    observe: (measure, valueMs) => receivers.forEach((receiver) => void receiver.observe(measure, valueMs)),
  };
}
