/** What a load test's publishers send. */

export interface Profile {
  readonly name: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Divides 90 kHz. */
  readonly frameRateHz: number;
  /** Aimed at by the encoder, bit/s. */
  readonly videoBitrate: number;
  /** Length of what is sent over and over, whole seconds in ms. */
  readonly loopMs: number;
  /** The scene's own turns with its silences; only the first of them; or the turns with a faint noise below, so that it is never silent. */
  readonly sound: 'turns' | 'seldom' | 'always';
  /** All publishers show and play the same at the same time; else each is elsewhere in the loop. */
  readonly inPhase: boolean;
}

export const PROFILES = {
  /** People who talk by turns. */
  call: {
    name: 'call',
    width: 640,
    height: 480,
    frameRateHz: 30,
    videoBitrate: 800_000,
    loopMs: 20_000,
    sound: 'turns',
    inPhase: false,
  },
  /** A place that is watched: a larger picture, fewer frames, sound now and then. */
  camera: {
    name: 'camera',
    width: 1280,
    height: 720,
    frameRateHz: 15,
    videoBitrate: 1_200_000,
    loopMs: 20_000,
    sound: 'seldom',
    inPhase: false,
  },
  /** The worst case: every stream wants the model all the time, and all at once. */
  burst: {
    name: 'burst',
    width: 640,
    height: 480,
    frameRateHz: 30,
    videoBitrate: 800_000,
    loopMs: 20_000,
    sound: 'always',
    inPhase: true,
  },
} as const satisfies Record<string, Profile>;
