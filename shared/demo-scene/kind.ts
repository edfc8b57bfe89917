import type { Brush } from './brush.ts';

/** The name of a kind of thing: what its look and its sound have in common. */
export type KindName = 'bell' | 'bird' | 'car' | 'dog' | 'drum' | 'face' | 'kettle' | 'siren' | 'telephone' | 'violin';

/** Which half of the designs and voices a scene is cast from. */
export type Split = 'train' | 'held-out';

/** How a thing holds itself at one time. It never depends on whether the thing sounds. */
export interface Pose {
  /** Swing of loose parts, in [-1, 1]. */
  readonly swing: number;
  /** Openness of mouths and the like, in [0, 1]. */
  readonly gape: number;
  /** Turn of wheels and the like, in radians. */
  readonly turn: number;
}

/** A kind of thing, with D its sprite design and V its voice. Designs and voices are parameter sets; the last two of each are held out. */
export interface KindDefinition<D, V> {
  readonly name: KindName;
  readonly designs: readonly D[];
  readonly voices: readonly V[];
  /** Draws the sprite in the unit box of the brush. */
  paint(brush: Brush, design: D, pose: Pose): void;
  /**
   * One sample of the sound, of rms about 1, `timeS` seconds (>= 0) after it began. A pure function, so any window can be asked for;
   * its content stays below 7.5 kHz, so that 16 kHz and 48 kHz sample the same wave.
   */
  sound(voice: V, timeS: number, seed: number): number;
}

/** A kind of thing whose designs and voices are known by index. */
export interface Kind {
  readonly name: KindName;
  readonly designCount: number;
  readonly voiceCount: number;
  paint(brush: Brush, design: number, pose: Pose): void;
  sound(voice: number, timeS: number, seed: number): number;
}

const HELD_OUT_COUNT = 2;

/** Indices, of `count` designs or voices, that belong to the split. */
export function indicesOf(count: number, split: Split): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  return split === 'train' ? all.slice(0, -HELD_OUT_COUNT) : all.slice(-HELD_OUT_COUNT);
}

/** Wraps a definition so that kinds with different designs and voices can stand in one list. */
export function defineKind<D, V>(definition: KindDefinition<D, V>): Kind {
  const { name, designs, voices } = definition;
  const entry = <T>(list: readonly T[], index: number, what: string): T => {
    const item = list[index];
    if (item === undefined) throw new RangeError(`${name} has no ${what} ${index}: use 0 to ${list.length - 1}`);
    return item;
  };
  return {
    name,
    designCount: designs.length,
    voiceCount: voices.length,
    paint: (brush, design, pose) => definition.paint(brush, entry(designs, design, 'design'), pose),
    sound: (voice, timeS, seed) => definition.sound(entry(voices, voice, 'voice'), timeS, seed),
  };
}
