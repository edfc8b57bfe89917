import type { KindName } from './kind.ts';
import { KINDS } from './kinds.ts';
import { hash } from './random.ts';

/** A voice of a kind at a loudness. */
export interface Voice {
  readonly kind: KindName;
  /** Index of the voice of its kind. */
  readonly voice: number;
  /** Rms amplitude, in (0, 1]. */
  readonly level: number;
}

/** A voice sounding from `startMs` up to `endMs`. */
export interface Play {
  readonly voice: Voice;
  readonly startMs: number;
  readonly endMs: number;
  readonly seed: number;
}

const RAMP_S = 0.015;

/**
 * Writes the sum of the plays as mono PCM in [-1, 1]. A pure function of the absolute sample index: chunks join without a seam,
 * every sample rate samples the same wave, and where nothing plays the samples are exactly 0.
 *
 * @param out receives out.length samples
 * @param startSample index of the first sample, from time 0
 * @param sampleRateHz samples a second, 16000 or more
 */
export function mix(out: Float32Array, startSample: number, sampleRateHz: number, plays: readonly Play[]): void {
  out.fill(0);
  for (const { voice, startMs, endMs, seed } of plays) {
    const startS = startMs / 1000;
    const endS = endMs / 1000;
    const kind = KINDS[voice.kind];
    const soundSeed = hash(seed, voice.voice);
    const first = Math.max(0, Math.ceil(startS * sampleRateHz) - startSample);
    const end = Math.min(out.length, Math.ceil(endS * sampleRateHz) - startSample);
    for (let i = first; i < end; i += 1) {
      const timeS = (startSample + i) / sampleRateHz;
      const edge = Math.min(timeS - startS, endS - timeS) / RAMP_S;
      const ramp = edge >= 1 ? 1 : 0.5 - 0.5 * Math.cos(Math.PI * Math.max(0, edge));
      out[i] = (out[i] as number) + voice.level * ramp * kind.sound(voice.voice, timeS - startS, soundSeed);
    }
  }
  for (let i = 0; i < out.length; i += 1) out[i] = Math.max(-1, Math.min(1, out[i] as number));
}
