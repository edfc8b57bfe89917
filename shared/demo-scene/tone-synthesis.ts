import { noise, TAU } from './random.ts';

/** Sine of a phase counted in cycles. */
export function sine(cycles: number): number {
  return Math.sin(TAU * (cycles - Math.floor(cycles)));
}

/**
 * One formant of a pulsed voice by modified FM (Lazzarini and Timoney, 2010): harmonics around `ratio` = formant / pitch,
 * spread wider by a larger `spread`. Peak 1.
 */
export function formant(cycles: number, ratio: number, spread: number): number {
  const p = TAU * (cycles - Math.floor(cycles));
  const n = Math.floor(ratio);
  const part = ratio - n;
  return Math.exp(spread * (Math.cos(p) - 1)) * ((1 - part) * Math.cos(n * p) + part * Math.cos((n + 1) * p));
}

/** Noise of rms about 0.6 in a band of `widthHz` around `centreHz`. */
export function bandNoise(seed: number, timeS: number, centreHz: number, widthHz: number): number {
  const p = TAU * ((centreHz * timeS) % 1);
  return noise(seed, timeS, widthHz) * Math.cos(p) + noise(seed ^ 0x5bd1e995, timeS, widthHz) * Math.sin(p);
}

/** Rises 0 to 1 over `attackS`, then decays with the time constant `decayS`; 0 before 0. */
export function strike(timeS: number, attackS: number, decayS: number): number {
  if (timeS <= 0) return 0;
  return timeS < attackS ? timeS / attackS : Math.exp((attackS - timeS) / decayS);
}

/** A hump that is 0 at 0 and at `lengthS`, with edges of `edgeS`, and 1 between. */
export function hump(timeS: number, lengthS: number, edgeS: number): number {
  if (timeS <= 0 || timeS >= lengthS) return 0;
  const edge = Math.min(timeS, lengthS - timeS) / edgeS;
  return edge >= 1 ? 1 : edge * edge * (3 - 2 * edge);
}
