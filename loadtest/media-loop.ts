/** Encoded media that publishers send over and over, with what is true of each frame. */
import type { Profile } from './profile.ts';

/** Samples of one Opus packet at 48 kHz, and its duration. */
export const OPUS_PACKET_SAMPLES = 960;
export const OPUS_PACKET_MS = 20;

/** A time in which something in view sounds that has not just been heard, ms from the loop's start. */
export interface Onset {
  readonly startMs: number;
  readonly endMs: number;
}

export interface MediaLoop {
  readonly profile: Profile;
  /** RTP payloads of each frame, the descriptor of RFC 7741 included; frame 0 is a key frame. */
  readonly video: readonly (readonly Uint8Array[])[];
  /** Indices of the key frames. */
  readonly keyFrames: readonly number[];
  /** One Opus packet for every 20 ms. */
  readonly audio: readonly Uint8Array[];
  readonly truth: {
    readonly width: number;
    readonly height: number;
    /** Run lengths (shared/rle.ts) of what is seen and heard at each frame; undefined when nothing in view sounds. */
    readonly runs: readonly (readonly number[] | undefined)[];
  };
  readonly onsets: readonly Onset[];
}

/** Told about the work, of which `total` pieces make the whole. */
export type Progress = (done: number, total: number) => void;
