/**
 * How calm masks are and how soon they follow the sound: those of the model alone, and as they are sent.
 *
 * Held-out demo scenes, which stand still or move, through the pipeline of files. Times are those of the frames: what a live mask
 * is late by comes on top. Run: `node test/bench/steadiness.ts [--scenes N] [--model NAME]`.
 */
import { parseArgs } from 'node:util';
import { createCanvas } from '@napi-rs/canvas';
import { FakeSegmenter } from '../../server/inference/fake-segmenter.ts';
import { readModel } from '../../server/inference/manifest.ts';
import { startOrtSegmenter } from '../../server/inference/ort-segmenter.ts';
import type { ModelOutput } from '../../server/inference/segmenter.ts';
import { DEFAULT_MODEL, modelPath } from '../../server/inference/shipped-models.ts';
import { FILE_SAMPLE_RATE_HZ, type Picture } from '../../server/media/media-file.ts';
import { FilePipeline } from '../../server/pipeline/file-pipeline.ts';
import { Random } from '../../shared/demo-scene/random.ts';
import { createDemoScene, type DemoScene } from '../../shared/demo-scene/scene.ts';
import { decodeRuns } from '../../shared/rle.ts';

const FIRST_SEED = 7000;
const MASK_RATE_HZ = 10;
const SCENE_MS = 30_000;
const FRAME_WIDTH = 640;
const FRAME_HEIGHT = 480;
/** Of the camera: peak, of 255, in a pixel of the model's picture. */
const GRAIN = 3;
const SOUND_BLOCK = FILE_SAMPLE_RATE_HZ / 10;
const KINDS = ['of the model alone', 'as sent'] as const;
/** IoU from which on a sound is shown, and share of the picture up to which it is dark. */
const SHOWN_IOU = 0.5;
const DARK = 0.003;
/** A mask that has had this long to follow is expected to stay as it is. */
const SETTLED_MS = 1000;

class Tally {
  readonly flips: number[] = [];
  readonly ious: number[] = [];
  /** Lit shares of the picture while nothing sounds. */
  readonly silences: number[] = [];
  readonly onsetsMs: number[] = [];
  readonly offsetsMs: number[] = [];

  toString(): string {
    const percent = (values: number[]) => `${(100 * mean(values)).toFixed(2)} %`;
    const p95 = (values: number[]) => `${quantile(values, 0.95).toFixed(0)} ms (${quantile(values, 0.5).toFixed(0)})`;
    return (
      `flipped ${percent(this.flips)} of the pixels from mask to mask (p95 ${(100 * quantile(this.flips, 0.95)).toFixed(2)} %), ` +
      `IoU ${mean(this.ious).toFixed(3)}, lit in silence ${percent(this.silences)}, onset p95 (median) ${p95(this.onsetsMs)} of ${this.onsetsMs.length}, offset ${p95(this.offsetsMs)} of ${this.offsetsMs.length}`
    );
  }
}

const { values } = parseArgs({ options: { scenes: { type: 'string', default: '12' }, model: { type: 'string' } } });
const raise = (error: Error) => {
  throw error;
};
const model = await startOrtSegmenter({
  model: await readModel(values.model === undefined ? DEFAULT_MODEL : modelPath(values.model)),
  executionProviders: ['cpu'],
  inferenceWorkers: 1,
  intraOpThreads: 1,
  observer: {
    batch: () => {},
    dropped: () => {},
    failed: (_requests, error) => raise(error),
    queueDepth: () => {},
    threadCrashed: raise,
  },
});
const { width, height } = model.manifest.output;
const bound = Math.log(model.manifest.threshold / (1 - model.manifest.threshold));
const canvas = createCanvas(width, height);

async function play(scene: DemoScene, still: boolean, tallies: readonly Tally[]): Promise<void> {
  const random = new Random(scene.seed);
  const timesMs: number[] = [];
  const masks = KINDS.map((): Uint8Array[] => []);
  let answer: ModelOutput | undefined;
  const tap = new FakeSegmenter(model.manifest, async (request) => {
    const reply = await model.segment(request);
    answer = request.inputs.at(-1)!.logits;
    return reply;
  });
  const pipeline = new FilePipeline(tap, MASK_RATE_HZ, (reason) => new Error(reason));
  const samples = new Float32Array(SOUND_BLOCK);
  let position = 0;
  for (let timeMs = 0; timeMs < SCENE_MS; timeMs += 1000 / MASK_RATE_HZ) {
    for (; !pipeline.hasHeard(timeMs); position += SOUND_BLOCK) {
      scene.synthesise(samples, position, FILE_SAMPLE_RATE_HZ);
      pipeline.hear({ position, samples });
    }
    answer = undefined;
    const mask = await pipeline.segment(new DrawnPicture(scene, still ? 0 : timeMs, timeMs, random));
    const logits = answer;
    const sent = new Uint8Array(width * height);
    for (const { runs } of mask!.message.classes) decodeRuns(runs, width, height, sent);
    timesMs.push(timeMs);
    masks[0]!.push(Uint8Array.from(sent, (_, pixel) => (logits && logits[pixel]! > bound ? 1 : 0)));
    masks[1]!.push(sent);
  }
  const truths = timesMs.map((timeMs) => truthOf(scene, still ? 0 : timeMs, timeMs));
  masks.forEach((lit, i) => {
    judge(scene, timesMs, lit, truths, tallies[i]!);
  });
}

function judge(
  scene: DemoScene,
  timesMs: readonly number[],
  lit: readonly Uint8Array[],
  truths: readonly Uint8Array[],
  tally: Tally,
): void {
  const sounding = (timeMs: number) => scene.truth(Math.max(0, timeMs)).sounding.join();
  const settled = (timeMs: number) =>
    [0.25, 0.5, 0.75, 1].every((part) => sounding(timeMs - part * SETTLED_MS) === sounding(timeMs));
  timesMs.forEach((timeMs, i) => {
    if (truths[i]!.includes(1)) tally.ious.push(iou(lit[i]!, truths[i]!));
    if (scene.truth(timeMs).silent) tally.silences.push(mean([...lit[i]!]));
    if (i === 0 || timeMs < 2 * SETTLED_MS || !settled(timeMs) || !settled(timesMs[i - 1]!)) return;
    tally.flips.push(mean(Array.from(lit[i]!, (value, pixel) => (value === lit[i - 1]![pixel] ? 0 : 1))));
  });
  /** From a change to the first mask that `follows`, or as long as the state lasts. */
  const follow = (fromMs: number, follows: (mask: number) => boolean): number => {
    const state = sounding(fromMs);
    let last = fromMs;
    for (let i = 0; i < timesMs.length; i++) {
      if (timesMs[i]! < fromMs) continue;
      if (sounding(timesMs[i]!) !== state) break;
      last = timesMs[i]!;
      if (follows(i)) break;
    }
    return last - fromMs;
  };
  for (let timeMs = 300; timeMs < SCENE_MS - 2 * SETTLED_MS; timeMs++) {
    if (sounding(timeMs) === sounding(timeMs - 1)) continue;
    const [now, before] = [sounding(timeMs), sounding(timeMs - 1)];
    const shown = (mask: number) => iou(lit[mask]!, truths[mask]!) >= SHOWN_IOU;
    const dark = (mask: number) => mean([...lit[mask]!]) <= DARK;
    if (before === '' && now !== '' && sounding(timeMs - 250) !== now) tally.onsetsMs.push(follow(timeMs, shown));
    // A pause between two turns is too short to tell when it is dark.
    if (now === '' && settled(timeMs + SETTLED_MS)) tally.offsetsMs.push(follow(timeMs, dark));
  }
}

/** A picture of the scene as the model takes it. */
class DrawnPicture implements Picture {
  readonly rtpTimestamp: number;
  readonly width = FRAME_WIDTH;
  readonly height = FRAME_HEIGHT;
  readonly presentationTimeMs: number;
  readonly #rgb: Uint8Array;

  constructor(scene: DemoScene, shownMs: number, presentationTimeMs: number, random: Random) {
    this.presentationTimeMs = presentationTimeMs;
    this.rtpTimestamp = presentationTimeMs * 90;
    const rgba = drawn((context) => scene.draw(context, FRAME_WIDTH, FRAME_HEIGHT, shownMs));
    this.#rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const value = rgba[Math.floor(i / 3) * 4 + (i % 3)]! + random.between(-GRAIN, GRAIN);
      return Math.round(Math.min(255, Math.max(0, value)));
    });
  }

  async scaleTo(rgb: Uint8Array): Promise<void> {
    rgb.set(this.#rgb);
  }

  lumaTo(luma: Uint8Array): void {
    for (let i = 0; i < luma.length; i++) {
      const [red, green, blue] = this.#rgb.subarray(3 * i, 3 * i + 3);
      luma[i] = Math.round(0.299 * red! + 0.587 * green! + 0.114 * blue!);
    }
  }

  close(): void {}
}

function truthOf(scene: DemoScene, shownMs: number, timeMs: number): Uint8Array {
  const { sounding } = scene.truth(timeMs);
  const rgba = drawn((context) => scene.drawMaskOf(context, FRAME_WIDTH, FRAME_HEIGHT, shownMs, sounding));
  return Uint8Array.from({ length: width * height }, (_, i) => (rgba[4 * i]! >= 128 ? 1 : 0));
}

/** @param draw a whole frame, squeezed into the model's picture. @returns RGBA. */
function drawn(draw: (context: ReturnType<typeof canvas.getContext>) => void): Uint8ClampedArray {
  const context = canvas.getContext('2d');
  context.setTransform(width / FRAME_WIDTH, 0, 0, height / FRAME_HEIGHT, 0, 0);
  draw(context);
  return context.getImageData(0, 0, width, height).data;
}

function iou(a: Uint8Array, b: Uint8Array): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    both += a[i]! & b[i]!;
    either += a[i]! | b[i]!;
  }
  return either === 0 ? 1 : both / either;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN;
}

for (const still of [true, false]) {
  const tallies = KINDS.map(() => new Tally());
  for (let scene = 0; scene < Number(values.scenes); scene++) {
    process.stderr.write(`\r${still ? 'still' : 'moving'} scene ${scene + 1} of ${values.scenes} `);
    await play(createDemoScene(FIRST_SEED + scene), still, tallies);
  }
  process.stderr.write('\r');
  KINDS.forEach((kind, i) => {
    console.log(`${still ? 'still' : 'moving'} scenes, masks ${kind}: ${tallies[i]}`);
  });
}
await model.close();
