import { hash, Random } from './random.ts';

/** Length of one cycle of the schedule in ms; every situation occurs in each. */
export const CYCLE_MS = 30_000;

/** What a turn is about: one visible thing, several, one that is not in view, or one of either. */
export type Situation = 'solo' | 'together' | 'off-screen' | 'both';

/** One turn of the schedule: which sources sound from `startMs` up to `endMs`. */
export interface Turn {
  readonly situation: Situation;
  readonly startMs: number;
  readonly endMs: number;
  /** Indices of the visible things that sound. */
  readonly things: readonly number[];
  /** Index of the voice that is not in view, or null. */
  readonly offScreen: number | null;
  /** Seed of what is random in the sound of this turn. */
  readonly seed: number;
}

const FIRST_START_MS = 300;

/**
 * The turns of one cycle, in order of time and without overlap.
 *
 * @param seed of the scene
 * @param cycle index of the cycle, from 0
 * @param singers indices of the visible things that ever sound, at least two
 * @param offScreenCount number of voices that are not in view, at least one
 */
export function turnsOfCycle(seed: number, cycle: number, singers: readonly number[], offScreenCount: number): Turn[] {
  const random = new Random(hash(seed, cycle));
  const order: (Situation | 'silence')[] = random.shuffle([
    'solo',
    'solo',
    'solo',
    'together',
    'together',
    'off-screen',
    'both',
    'silence',
    'silence',
  ]);
  order.unshift('solo');
  const gaps = order.map(() => (random.chance(0.4) ? 0 : random.between(120, 450)));
  const silences = order.map((situation) => (situation === 'silence' ? random.between(1600, 2400) : 0));
  const weights = order.map((situation) => (situation === 'silence' ? 0 : random.between(0.88, 1.1)));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const free = CYCLE_MS - FIRST_START_MS - sum(gaps) - sum(silences);
  const total = sum(weights);
  const turns: Turn[] = [];
  let cast = random.shuffle(singers);
  let at = cycle * CYCLE_MS + FIRST_START_MS;
  order.forEach((situation, i) => {
    const startMs = Math.round(at);
    at += (silences[i] as number) + (free * (weights[i] as number)) / total;
    const endMs = Math.round(at);
    at += gaps[i] as number;
    if (situation === 'silence') return;
    const count =
      situation === 'off-screen'
        ? 0
        : situation === 'together'
          ? singers.length > 2 && random.chance(0.3)
            ? 3
            : 2
          : 1;
    if (cast.length < count) cast = [...cast, ...random.shuffle(singers.filter((singer) => !cast.includes(singer)))];
    const things = cast.slice(0, count).sort((a, b) => a - b);
    cast = cast.slice(count);
    if (cast.length === 0) cast = random.shuffle(singers);
    const offScreen = situation === 'off-screen' || situation === 'both' ? random.integer(offScreenCount) : null;
    turns.push({ situation, startMs, endMs, things, offScreen, seed: hash(hash(seed, cycle), i + 100) });
  });
  return turns;
}
