import { paintBackdrop, paintLight } from './backdrop.ts';
import { Brush, type Canvas2d } from './brush.ts';
import { castThings, castVoice, placementOf, type Thing } from './cast.ts';
import { type Clutter, castClutter, paintClutter } from './clutter.ts';
import type { Split } from './kind.ts';
import { KIND_NAMES, KINDS } from './kinds.ts';
import { mix, type Play, type Voice } from './mixing.ts';
import { hash, Random, TAU } from './random.ts';
import { CYCLE_MS, type Turn, turnsOfCycle } from './schedule.ts';

/** What is true of a scene at one time. */
export interface Truth {
  /** Ids of the visible things that sound. */
  readonly sounding: readonly string[];
  /** Whether something that is not in view sounds. */
  readonly offScreen: boolean;
  /** Whether nothing sounds at all: the samples are exactly 0. */
  readonly silent: boolean;
}

/** A scene: pure functions of time. Times are in ms from its start, >= 0. */
export interface DemoScene {
  readonly seed: number;
  /** Visible things, back to front. */
  readonly things: readonly Thing[];
  /** Voices of kinds that are not in view. */
  readonly offScreenVoices: readonly Voice[];
  /** Draws the picture over the whole canvas of `width` x `height` px. */
  draw(canvas: Canvas2d, width: number, height: number, timeMs: number): void;
  /** Draws white where a visible thing that sounds at `timeMs` is seen, black elsewhere. */
  drawMask(canvas: Canvas2d, width: number, height: number, timeMs: number): void;
  /** Draws white where one of the things of `ids` is seen, black elsewhere. */
  drawMaskOf(canvas: Canvas2d, width: number, height: number, timeMs: number, ids: readonly string[]): void;
  truth(timeMs: number): Truth;
  /** The turn in progress at `timeMs`, or null. */
  turnAt(timeMs: number): Turn | null;
  /** Writes mono PCM in [-1, 1] from the absolute sample index `startSample` on. Any window may be asked for, in any order. */
  synthesise(out: Float32Array, startSample: number, sampleRateHz: number): void;
}

const BLACK = '#000';
const WHITE = '#fff';

/**
 * Makes the scene of a seed. The same seed gives the same pictures and sounds wherever it runs.
 *
 * @param seed any integer; its lower 32 bits count
 * @param options.split which designs and voices are cast: `train`, or those never trained on (`held-out`, the default)
 */
export function createDemoScene(seed: number, options: { readonly split?: Split } = {}): DemoScene {
  const split = options.split ?? 'held-out';
  const random = new Random(hash(seed, 0x5ce7e));
  const count = random.pick([2, 3, 3, 3, 4, 4, 4]);
  const things = castThings(random, split, count);
  const unseen = random.shuffle(KIND_NAMES.filter((name) => things.every(({ kind }) => kind !== name)));
  const offScreenVoices = unseen.slice(0, 3).map((kind) => castVoice(random, split, kind));
  const singers = random.shuffle(things.map((_, i) => i)).slice(0, Math.max(2, count - 1));
  const behind = castClutter(random, random.integer(4));
  const front = castClutter(random, random.integer(2)).map(
    (piece): Clutter => ({ ...piece, y: 0.94, radius: piece.radius * 0.8 }),
  );
  const backdropSeed = random.integer(0x7fffffff);
  const scheduleSeed = random.integer(0x7fffffff);
  const turnsByCycle = new Map<number, Turn[]>();

  const turnsOf = (cycle: number): Turn[] => {
    let turns = turnsByCycle.get(cycle);
    if (turns === undefined) {
      turns = turnsOfCycle(scheduleSeed, cycle, singers, offScreenVoices.length);
      if (turnsByCycle.size >= 4) turnsByCycle.clear();
      turnsByCycle.set(cycle, turns);
    }
    return turns;
  };

  const turnAt = (timeMs: number): Turn | null =>
    turnsOf(Math.floor(timeMs / CYCLE_MS)).find(({ startMs, endMs }) => timeMs >= startMs && timeMs < endMs) ?? null;

  const playsBetween = (fromMs: number, toMs: number): Play[] => {
    const plays: Play[] = [];
    for (let cycle = Math.max(0, Math.floor(fromMs / CYCLE_MS)); cycle * CYCLE_MS <= toMs; cycle += 1) {
      for (const { startMs, endMs, things: indices, offScreen, seed: turnSeed } of turnsOf(cycle)) {
        if (endMs <= fromMs || startMs > toMs) continue;
        const voices = indices.map((i) => (things[i] as Thing).voice);
        if (offScreen !== null) voices.push(offScreenVoices[offScreen] as Voice);
        for (const voice of voices) plays.push({ voice, startMs, endMs, seed: turnSeed });
      }
    }
    return plays;
  };

  const paintThing = (
    canvas: Canvas2d,
    width: number,
    height: number,
    timeMs: number,
    thing: Thing,
    flat: string | null,
  ): void => {
    const brush = new Brush(canvas, flat, thing.hueShift);
    const { x, y, angle, scale, pose } = placementOf(thing, timeMs);
    const size = thing.radius * scale * Math.min(width, height);
    brush.detail(() => {
      canvas.fillStyle = 'hsla(230, 40%, 6%, 0.22)';
      canvas.beginPath();
      canvas.ellipse(x * width, y * height + size * 0.98, size * 0.85, size * 0.14, 0, 0, TAU);
      canvas.fill();
    });
    brush.at(x * width, y * height, angle, thing.flipped ? -size : size, size, () =>
      KINDS[thing.kind].paint(brush, thing.design, pose),
    );
  };

  const drawMaskOf = (
    canvas: Canvas2d,
    width: number,
    height: number,
    timeMs: number,
    ids: readonly string[],
  ): void => {
    canvas.save();
    canvas.fillStyle = BLACK;
    canvas.fillRect(0, 0, width, height);
    if (ids.length > 0) {
      for (const thing of things)
        paintThing(canvas, width, height, timeMs, thing, ids.includes(thing.id) ? WHITE : BLACK);
      for (const piece of front) paintClutter(new Brush(canvas, BLACK), width, height, piece, timeMs);
    }
    canvas.restore();
  };

  const truth = (timeMs: number): Truth => {
    const turn = turnAt(timeMs);
    const sounding = turn === null ? [] : turn.things.map((i) => (things[i] as Thing).id);
    const offScreen = turn !== null && turn.offScreen !== null;
    return { sounding, offScreen, silent: turn === null };
  };

  return {
    seed,
    things,
    offScreenVoices,
    draw(canvas, width, height, timeMs) {
      canvas.save();
      canvas.lineCap = 'round';
      canvas.lineJoin = 'round';
      paintBackdrop(canvas, width, height, backdropSeed, timeMs);
      for (const piece of behind) paintClutter(new Brush(canvas), width, height, piece, timeMs);
      for (const thing of things) paintThing(canvas, width, height, timeMs, thing, null);
      for (const piece of front) paintClutter(new Brush(canvas), width, height, piece, timeMs);
      paintLight(canvas, width, height, backdropSeed);
      canvas.restore();
    },
    drawMask(canvas, width, height, timeMs) {
      drawMaskOf(canvas, width, height, timeMs, truth(timeMs).sounding);
    },
    drawMaskOf,
    truth,
    turnAt,
    synthesise(out, startSample, sampleRateHz) {
      const fromMs = (startSample / sampleRateHz) * 1000;
      mix(out, startSample, sampleRateHz, playsBetween(fromMs, fromMs + (out.length / sampleRateHz) * 1000));
    },
  };
}
