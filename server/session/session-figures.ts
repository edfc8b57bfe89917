/** One session's own figures, told to its client once a second. */
import type { SessionStats } from '../../shared/signalling.ts';
import type { TrackStats } from '../peer/peer.ts';
import { PercentileWindow } from '../telemetry/percentile-window.ts';
import type { Counter, DropReason, Measure, Telemetry } from '../telemetry/telemetry.ts';

/** Ten seconds at ten masks a second. */
const SKEW_OBSERVATIONS = 100;

/** What the figures cannot know by themselves. */
export type SessionFacts = Pick<
  SessionStats,
  'videoCodec' | 'executionProvider' | 'targetMaskRateHz' | 'frameWidth' | 'frameHeight' | 'clockSource'
>;

export class SessionFigures implements Telemetry {
  readonly #drops: Partial<Record<DropReason, number>> = {};
  readonly #skews = new PercentileWindow(SKEW_OBSERVATIONS);
  readonly #bitrates = { audio: 0, video: 0 };
  readonly #payloadBytes = { audio: 0, video: 0 };
  #masks = 0;
  #packets = { lost: 0, nacks: 0, plis: 0 };
  #tickMs = performance.now();

  drop(reason: DropReason, count = 1): void {
    this.#drops[reason] = (this.#drops[reason] ?? 0) + count;
  }

  count(counter: Counter, count = 1): void {
    if (counter === 'masks') this.#masks += count;
  }

  observe(measure: Measure, valueMs: number): void {
    if (measure === 'skew') this.#skews.add(valueMs);
  }

  /** Payload bit/s of the last tick. */
  bitrate(kind: 'audio' | 'video'): number {
    return this.#bitrates[kind];
  }

  /** Call about once a second with each track's counters. */
  tick(video: TrackStats | undefined, audio: TrackStats | undefined): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#tickMs) / 1000;
    this.#tickMs = nowMs;
    for (const [kind, stats] of [['video', video] as const, ['audio', audio] as const]) {
      const bytes = stats?.payloadBytes ?? 0;
      // A replaced track counts from zero again.
      const received = bytes >= this.#payloadBytes[kind] ? bytes - this.#payloadBytes[kind] : bytes;
      this.#bitrates[kind] = (received * 8) / seconds;
      this.#payloadBytes[kind] = bytes;
    }
    const sum = (pick: (stats: TrackStats) => number) => (video ? pick(video) : 0) + (audio ? pick(audio) : 0);
    this.#packets = {
      lost: sum((stats) => stats.packetsLost),
      nacks: sum((stats) => stats.nacksSent),
      plis: sum((stats) => stats.plisSent),
    };
  }

  stats(facts: SessionFacts): SessionStats {
    return {
      type: 'stats',
      masksSent: this.#masks,
      drops: { ...this.#drops },
      videoBitrate: this.#bitrates.video,
      audioBitrate: this.#bitrates.audio,
      packetsLost: this.#packets.lost,
      nacksSent: this.#packets.nacks,
      plisSent: this.#packets.plis,
      skewP50Ms: this.#skews.percentile(0.5),
      skewP95Ms: this.#skews.percentile(0.95),
      ...facts,
    };
  }
}
