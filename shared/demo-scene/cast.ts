import { indicesOf, type KindName, type Pose, type Split } from './kind.ts';
import { KIND_NAMES, KINDS } from './kinds.ts';
import type { Voice } from './mixing.ts';
import { noise, type Random, TAU } from './random.ts';

/** A visible thing: what it looks like, where it moves and how it would sound. */
export interface Thing {
  /** Unique in its scene, such as `dog-1`. */
  readonly id: string;
  readonly kind: KindName;
  /** Index of the sprite design of its kind. */
  readonly design: number;
  readonly voice: Voice;
  /** Home of its centre as a share of width and height, in [0, 1]. */
  readonly x: number;
  readonly y: number;
  /** Half its box as a share of the shorter side of the picture. */
  readonly radius: number;
  /** Seed of its movement. */
  readonly motion: number;
  readonly hueShift: number;
  readonly flipped: boolean;
}

/** Where a thing is at one time, in the units of Thing, `angle` in radians. */
export interface Placement {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
  readonly scale: number;
  readonly pose: Pose;
}

const DRIFT = 0.035;
/** Least distance of two homes, as a share of the sum of their radii: smaller means more overlap. */
const CLOSEST = 0.78;

/** Draws `count` things of different kinds in back-to-front order, none hidden by another. */
export function castThings(random: Random, split: Split, count: number): Thing[] {
  const kinds = random.shuffle(KIND_NAMES).slice(0, count);
  const largest = count <= 2 ? 0.31 : count === 3 ? 0.26 : 0.22;
  const things: Thing[] = [];
  for (const [i, kind] of kinds.entries()) {
    let radius = random.between(0.13, largest);
    let x = 0.5;
    let y = 0.5;
    for (let attempt = 0; attempt < 400; attempt += 1) {
      x = random.between(0.14, 0.86);
      y = random.between(0.22, 0.8);
      if (
        things.every((other) => Math.hypot(other.x - x, other.y - y) >= CLOSEST * (other.radius + radius) + 2 * DRIFT)
      )
        break;
      if (attempt % 20 === 19) radius = Math.max(0.1, radius * 0.93);
    }
    things.push({
      id: `${kind}-${i + 1}`,
      kind,
      design: random.pick(indicesOf(KINDS[kind].designCount, split)),
      voice: castVoice(random, split, kind),
      x,
      y,
      radius,
      motion: random.integer(0x7fffffff),
      hueShift: random.between(-9, 9),
      flipped: random.chance(0.5),
    });
  }
  return things;
}

/** A voice of the kind, at -26 to -17 dBFS rms. */
export function castVoice(random: Random, split: Split, kind: KindName): Voice {
  return {
    kind,
    voice: random.pick(indicesOf(KINDS[kind].voiceCount, split)),
    level: 10 ** (random.between(-26, -17) / 20),
  };
}

/** Where the thing is at `timeMs`. */
export function placementOf(thing: Thing, timeMs: number): Placement {
  const t = timeMs / 1000;
  const m = thing.motion;
  const rate = (i: number, low: number, high: number): number => low + ((high - low) * ((m >>> (i * 3)) & 255)) / 255;
  const phase = (i: number): number => ((m >>> i) & 63) / 10;
  return {
    x: thing.x + DRIFT * Math.sin(TAU * rate(0, 0.04, 0.12) * t + phase(2)),
    y: thing.y + DRIFT * 0.8 * Math.sin(TAU * rate(1, 0.1, 0.35) * t + phase(5)),
    angle: 0.13 * Math.sin(TAU * rate(2, 0.08, 0.3) * t + phase(8)),
    scale: 1 + 0.05 * Math.sin(TAU * rate(3, 0.05, 0.2) * t + phase(11)),
    pose: {
      swing: Math.sin(TAU * rate(4, 0.6, 1.3) * t + phase(14)),
      gape: 0.5 + 0.5 * noise(m, t, 5),
      turn: TAU * rate(5, 0.3, 0.8) * t,
    },
  };
}
