/** Port: a media file, read as fast as it is asked for. Adapter: node-av-file.ts. */
import { VIDEO_CLOCK_RATE_HZ } from '../../shared/clock.ts';
import type { DecodedFrame } from './decoder.ts';

/** Of the sound of every file, whatever it was recorded at: that of Opus, so that a file sounds as it does when published. */
export const FILE_SAMPLE_RATE_HZ = 48_000;

/** Sound whose time is off by less than this goes on where the last ended: timestamps are coarser than samples. 20 ms. */
export const JITTER_SAMPLES = FILE_SAMPLE_RATE_HZ / 50;

/** A picture of the file, upright. The receiver owns it and must close it. */
export interface Picture extends DecodedFrame {
  /** Since the beginning of the file, in whole ticks of 90 kHz as RTP has them; ms. */
  readonly presentationTimeMs: number;
}

export interface FileSound {
  /** Of the first sample since the beginning of the file, in samples; whole, below zero for what a codec warms up with. */
  readonly position: number;
  /** Mono mix, [-1, 1], at most 100 ms at {@link FILE_SAMPLE_RATE_HZ}. Valid until the next is asked for. */
  readonly samples: Float32Array;
}

/** Its best video stream and its best audio stream; each reader begins at the beginning. */
export interface MediaFile {
  readonly path: string;
  /** As the container says, undefined when it does not. */
  readonly durationMs: number | undefined;
  readonly hasSound: boolean;
  /** Packets that could not be decoded, of all readers so far. */
  readonly damaged: number;
  /** In presentation order. @throws AvsacError `file-unreadable` when not one can be decoded. */
  pictures(): Generator<Picture>;
  /** In order; nothing when the file has no sound. */
  sound(): Generator<FileSound>;
}

/** @returns RTP ticks of a time in a file, 90 kHz, not wrapped. */
export function ticksOf(presentationTimeMs: number): number {
  return Math.round((presentationTimeMs * VIDEO_CLOCK_RATE_HZ) / 1000);
}
