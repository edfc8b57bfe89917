/** What was heard, addressed by capture time: the ring of samples and the clock that places them. */
import { AudioRing, levelDbfs } from '../media/audio-ring.ts';
import type { MediaClock } from '../media/media-clock.ts';

/** Without a packet for this long the sound has stopped, and nothing is gained by waiting for it. */
const FLOWING_WITHIN_MS = 500;

/** A patch of waveform and where it ended. */
export interface HeardPatch {
  /** End of the patch minus the capture time asked for, ms. */
  readonly skewMs: number;
  /** RMS level, dBFS; -Infinity for digital silence. */
  readonly levelDbfs: number;
}

export class AudioTimeline {
  readonly sampleRateHz: number;
  /** Samples of one patch. */
  readonly patchLength: number;
  #ring = new AudioRing();
  #clock: MediaClock | undefined;
  #heardMs = Number.NEGATIVE_INFINITY;

  /** @param patchLength samples of one patch at `sampleRateHz`. */
  constructor(sampleRateHz: number, patchLength: number) {
    this.sampleRateHz = sampleRateHz;
    this.patchLength = patchLength;
  }

  /** A new track begins: what was heard of the one before is forgotten, because its positions mean nothing on the new clock. */
  begin(clock: MediaClock): void {
    this.#clock = clock;
    this.#ring = new AudioRing();
    this.#heardMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param position of the first sample: unwrapped RTP time of the track, in samples of the timeline's rate.
   * @param samples mono, [-1, 1].
   * @param nowMs `performance.now()`
   */
  write(position: number, samples: Float32Array, nowMs: number): void {
    this.#ring.write(position, samples);
    this.#heardMs = nowMs;
  }

  /** True while packets arrive. */
  flowing(nowMs: number): boolean {
    return nowMs - this.#heardMs < FLOWING_WITHIN_MS;
  }

  /** True when the patch that ends at `captureTimeMs` has been received. */
  covers(captureTimeMs: number): boolean {
    return this.#clock !== undefined && this.#positionAt(captureTimeMs) <= this.#ring.end;
  }

  /**
   * Copies the patch that ends at `captureTimeMs`; what was never heard in it is silence.
   * @param toNewest when its end has not arrived: take the newest patch there is rather than one with a silent end.
   */
  read(captureTimeMs: number, toNewest: boolean, patch: Float32Array): HeardPatch {
    if (!this.#clock) {
      patch.fill(0);
      return { skewMs: 0, levelDbfs: Number.NEGATIVE_INFINITY };
    }
    const wanted = this.#positionAt(captureTimeMs);
    const end = toNewest ? Math.min(wanted, this.#ring.end) : wanted;
    this.#ring.read(end, patch);
    const endMs = this.#clock.captureTimeMs((end * this.#clock.clockRateHz) / this.sampleRateHz);
    return { skewMs: endMs - captureTimeMs, levelDbfs: levelDbfs(patch) };
  }

  #positionAt(captureTimeMs: number): number {
    return Math.round((this.#clock!.timeAt(captureTimeMs) * this.sampleRateHz) / this.#clock!.clockRateHz);
  }
}
