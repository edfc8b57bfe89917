/** What was heard, addressed by capture time: the ring of samples and the clock that places them. */
import type { PatchPlace } from '../dsp/rolling-log-mel.ts';
import { AudioRing, levelDbfs } from '../media/audio-ring.ts';
import type { MediaClock } from '../media/media-clock.ts';

/** Without a packet for this long the sound has stopped, and nothing is gained by waiting for it. */
const FLOWING_WITHIN_MS = 500;
/** Of a patch, what tells whether its sound goes on. */
const END_MS = 100;

/** What a timeline asks of the clock of its track. */
export type TrackClock = Pick<MediaClock, 'clockRateHz' | 'captureTimeMs' | 'timeAt'>;

/** A patch of waveform and where it lies. */
export interface HeardPatch extends PatchPlace {
  /** End of the patch minus the capture time asked for, ms. */
  readonly skewMs: number;
  /** RMS level, dBFS; -Infinity for digital silence. */
  readonly levelDbfs: number;
  /** The same of its last {@link END_MS}. */
  readonly endLevelDbfs: number;
}

export class AudioTimeline {
  readonly sampleRateHz: number;
  /** Samples of one patch. */
  readonly patchLength: number;
  readonly #hopLength: number;
  #ring = new AudioRing();
  #revision = 0;
  #clock: TrackClock | undefined;
  #decode = () => {};
  #arrivedMs = Number.NEGATIVE_INFINITY;

  /**
   * @param patchLength samples of one patch at `sampleRateHz`.
   * @param hopLength patches begin at whole hops, so that they share frames; what is asked for between two is the earlier.
   */
  constructor(sampleRateHz: number, patchLength: number, hopLength: number) {
    this.sampleRateHz = sampleRateHz;
    this.patchLength = patchLength;
    this.#hopLength = hopLength;
  }

  /**
   * A new track begins: what was heard of the one before is forgotten, because its positions mean nothing on the new clock.
   * @param decode writes what has arrived and was not written yet; called before the timeline is read.
   */
  begin(clock: TrackClock, decode: () => void): void {
    this.#clock = clock;
    this.#decode = decode;
    this.#ring = new AudioRing();
    this.#revision++;
    this.#arrivedMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param position of the first sample: unwrapped RTP time of the track, in samples of the timeline's rate.
   * @param samples mono, [-1, 1].
   */
  write(position: number, samples: Float32Array): void {
    if (position < this.#ring.end) this.#revision++;
    this.#ring.write(position, samples);
  }

  /** What was written last came in a packet of this time. @param arrivalMs `performance.now()` */
  arrived(arrivalMs: number): void {
    this.#arrivedMs = arrivalMs;
  }

  /** True while packets arrive that can be decoded. */
  flowing(nowMs: number): boolean {
    this.#decode();
    return nowMs - this.#arrivedMs < FLOWING_WITHIN_MS;
  }

  /** True when the patch that ends at `captureTimeMs` has been received. */
  covers(captureTimeMs: number): boolean {
    this.#decode();
    return this.#clock !== undefined && this.#patchEnd(this.#positionAt(captureTimeMs)) <= this.#ring.end;
  }

  /**
   * Copies the patch that ends at `captureTimeMs`, or less than a hop before; what was never heard in it is silence.
   * @param toNewest when its end has not arrived: take the newest patch there is rather than one with a silent end.
   */
  read(captureTimeMs: number, toNewest: boolean, patch: Float32Array): HeardPatch {
    if (!this.#clock) {
      patch.fill(0);
      const levelDbfs = Number.NEGATIVE_INFINITY;
      return { skewMs: 0, levelDbfs, endLevelDbfs: levelDbfs, position: 0, knownUntil: 0, revision: this.#revision };
    }
    this.#decode();
    const { end: knownUntil } = this.#ring;
    const wanted = this.#patchEnd(this.#positionAt(captureTimeMs));
    const end = toNewest ? Math.min(wanted, this.#patchEnd(knownUntil)) : wanted;
    this.#ring.read(end, patch);
    const endMs = this.#clock.captureTimeMs((end * this.#clock.clockRateHz) / this.sampleRateHz);
    return {
      skewMs: endMs - captureTimeMs,
      levelDbfs: levelDbfs(patch),
      endLevelDbfs: levelDbfs(patch.subarray(-(END_MS * this.sampleRateHz) / 1000)),
      position: end - this.patchLength,
      knownUntil,
      revision: this.#revision,
    };
  }

  #positionAt(captureTimeMs: number): number {
    return (this.#clock!.timeAt(captureTimeMs) * this.sampleRateHz) / this.#clock!.clockRateHz;
  }

  /** Where the last patch that begins at a whole hop ends, at `position` or before. */
  #patchEnd(position: number): number {
    // A capture time that is a whole sample must not be taken for the one before.
    const start = Math.round((position - this.patchLength) * 1000) / 1000;
    return Math.floor(start / this.#hopLength) * this.#hopLength + this.patchLength;
  }
}
