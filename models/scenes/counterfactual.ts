import { castVoice, type Thing } from '../../shared/demo-scene/cast.ts';
import type { KindName, Split } from '../../shared/demo-scene/kind.ts';
import { KIND_NAMES } from '../../shared/demo-scene/kinds.ts';
import { mix, type Play } from '../../shared/demo-scene/mixing.ts';
import { hash, noise, type Random } from '../../shared/demo-scene/random.ts';
import type { DemoScene } from '../../shared/demo-scene/scene.ts';

/** Samples of one audio: 975 ms. */
export const SAMPLES = 15_600;
/** Samples a second of every audio. */
export const SAMPLE_RATE_HZ = 16_000;
/** Audios made for each picture. */
export const AUDIOS_PER_IMAGE = 3;

/** What an audio tests: see `audiosOf`. */
export type Tag = 'right' | 'union' | 'silent' | 'noise' | 'off-screen' | 'ended' | 'onset';

/** One audio for a picture and what is true of it at the picture's time, which is its end. */
export interface SceneAudio {
  readonly tag: Tag;
  /** Kinds that sound at the end, in view or not. */
  readonly kinds: readonly KindName[];
  /** Ids of the visible things that sound at the end: the mask shows these. */
  readonly sounding: readonly string[];
  /** SAMPLES samples of mono PCM in [-1, 1], owned by the caller. */
  readonly pcm: Float32Array;
}

const WINDOW_MS = (SAMPLES / SAMPLE_RATE_HZ) * 1000;
/** Before this a window would begin before time 0. */
export const EARLIEST_MS = 1_000;
const QUIETEST_DB = -35;
const LOUDEST_DB = -8;

/** The index of the first sample of the window that ends at `timeMs`. */
function startOf(timeMs: number): number {
  return Math.round((timeMs * SAMPLE_RATE_HZ) / 1000) - SAMPLES;
}

/**
 * The three audios of a picture: what truly sounds or might; another set of things, or one not in view as well; and silence, noise,
 * something not in view, a turn that just ended, or one that just began.
 *
 * @param random the picture's own sequence
 * @param fromSchedule whether the first audio is what the scene itself plays up to `timeMs`
 */
export function audiosOf(
  scene: DemoScene,
  split: Split,
  random: Random,
  timeMs: number,
  fromSchedule: boolean,
): SceneAudio[] {
  const first = fromSchedule
    ? scheduled(scene, random, timeMs)
    : played(scene, split, random, timeMs, pickThings(scene, random), 'right');
  const heard = new Set(first.sounding);
  const others = scene.things.filter(({ id }) => !heard.has(id));
  return [first, second(scene, split, random, timeMs, others), third(scene, split, random, timeMs)];
}

function pickThings(scene: DemoScene, random: Random): Thing[] {
  const share = random.next();
  const count = share < 0.7 ? 1 : share < 0.94 ? 2 : 3;
  return random.shuffle(scene.things).slice(0, count);
}

function second(scene: DemoScene, split: Split, random: Random, timeMs: number, others: readonly Thing[]): SceneAudio {
  const share = random.next();
  if (share < 0.2) return played(scene, split, random, timeMs, [], 'off-screen');
  if (share < 0.45 || others.length === 0)
    return played(scene, split, random, timeMs, random.shuffle(scene.things).slice(0, 2), 'union', random.chance(0.35));
  return played(scene, split, random, timeMs, [random.pick(others)], 'right');
}

function third(scene: DemoScene, split: Split, random: Random, timeMs: number): SceneAudio {
  const share = random.next();
  if (share < 0.24) return { tag: 'silent', kinds: [], sounding: [], pcm: new Float32Array(SAMPLES) };
  if (share < 0.36) {
    const pcm = new Float32Array(SAMPLES);
    addNoise(pcm, random, random.between(-70, -38));
    return { tag: 'noise', kinds: [], sounding: [], pcm };
  }
  if (share < 0.52) return played(scene, split, random, timeMs, [], 'off-screen');
  if (share < 0.78) return played(scene, split, random, timeMs, [random.pick(scene.things)], 'ended');
  return played(scene, split, random, timeMs, [random.pick(scene.things)], 'onset');
}

/** What the scene's own schedule plays up to `timeMs`. */
function scheduled(scene: DemoScene, random: Random, timeMs: number): SceneAudio {
  const pcm = new Float32Array(SAMPLES);
  scene.synthesise(pcm, startOf(timeMs), SAMPLE_RATE_HZ);
  const { sounding, offScreen, silent } = scene.truth(timeMs);
  const turn = scene.turnAt(timeMs);
  const kinds = scene.things.filter(({ id }) => sounding.includes(id)).map(({ kind }) => kind);
  const unseen = turn === null || turn.offScreen === null ? undefined : scene.offScreenVoices[turn.offScreen];
  if (unseen !== undefined) kinds.push(unseen.kind);
  const tag = silent
    ? pcm.some((sample) => sample !== 0)
      ? 'ended'
      : 'silent'
    : sounding.length === 0
      ? 'off-screen'
      : offScreen
        ? 'union'
        : 'right';
  finish(pcm, random);
  return { tag, kinds, sounding, pcm };
}

/** Plays the things, and one voice that is not in view when there are none or `withUnseen`, with the timing the tag asks for. */
function played(
  scene: DemoScene,
  split: Split,
  random: Random,
  timeMs: number,
  things: readonly Thing[],
  tag: Tag,
  withUnseen = false,
): SceneAudio {
  const seed = random.integer(0x7fffffff);
  const begun = tag === 'onset' ? random.between(60, 300) : random.between(300, 3000);
  const endMs = tag === 'ended' ? timeMs - random.between(60, 750) : timeMs + 500;
  const startMs = tag === 'ended' ? endMs - random.between(400, 2500) : timeMs - begun;
  const plays: Play[] = things.map((thing, i) => ({
    voice: varied(thing.voice, random),
    startMs,
    endMs,
    seed: hash(seed, i),
  }));
  const kinds: KindName[] = tag === 'ended' ? [] : things.map(({ kind }) => kind);
  if (things.length === 0 || withUnseen) {
    const kind = random.pick(KIND_NAMES.filter((name) => scene.things.every((thing) => thing.kind !== name)));
    plays.push({ voice: castVoice(random, split, kind), startMs, endMs, seed: hash(seed, 9) });
    kinds.push(kind);
  }
  const before = startMs - random.between(0, 150);
  if (before > timeMs - WINDOW_MS && random.chance(0.5)) {
    const previous = random.pick(scene.things);
    if (!things.includes(previous) || tag !== 'ended')
      plays.push({
        voice: varied(previous.voice, random),
        startMs: before - 2000,
        endMs: before,
        seed: hash(seed, 17),
      });
  }
  const pcm = new Float32Array(SAMPLES);
  mix(pcm, startOf(timeMs), SAMPLE_RATE_HZ, plays);
  finish(pcm, random);
  return { tag, kinds, sounding: tag === 'ended' ? [] : things.map(({ id }) => id), pcm };
}

/** The voice at another loudness, so that the balance of two voices varies. */
function varied(voice: Thing['voice'], random: Random): Thing['voice'] {
  return { ...voice, level: voice.level * 10 ** (random.between(-3, 3) / 20) };
}

/** Brings the audible part to a level drawn for this audio, without clipping, and now and then adds noise well below it. */
function finish(pcm: Float32Array, random: Random): void {
  const levelDb = random.between(QUIETEST_DB, LOUDEST_DB);
  const noisy = random.chance(0.25);
  const noiseDb = Math.min(levelDb - 12, -38) - random.between(0, 25);
  let energy = 0;
  let audible = 0;
  let peak = 0;
  for (const sample of pcm) {
    if (sample === 0) continue;
    energy += sample * sample;
    audible += 1;
    peak = Math.max(peak, Math.abs(sample));
  }
  if (audible > 0) {
    const gain = Math.min(0.98 / peak, 10 ** (levelDb / 20) / Math.sqrt(energy / audible));
    for (let i = 0; i < pcm.length; i += 1) pcm[i] = (pcm[i] as number) * gain;
  }
  if (noisy) addNoise(pcm, random, noiseDb);
}

/** Adds noise of the given rms in dBFS, white to dull. */
function addNoise(pcm: Float32Array, random: Random, levelDb: number): void {
  const amplitude = 10 ** (levelDb / 20) / 0.5;
  const seed = random.integer(0x7fffffff);
  const rateHz = random.pick([16_000, 9_000, 3_000]);
  for (let i = 0; i < pcm.length; i += 1)
    pcm[i] = Math.max(-1, Math.min(1, (pcm[i] as number) + amplitude * noise(seed, i / SAMPLE_RATE_HZ, rateHz)));
}
