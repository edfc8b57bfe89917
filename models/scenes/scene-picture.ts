import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Split } from '../../shared/demo-scene/kind.ts';
import { hash, Random } from '../../shared/demo-scene/random.ts';
import { createDemoScene, type DemoScene } from '../../shared/demo-scene/scene.ts';
import { AUDIOS_PER_IMAGE, audiosOf, EARLIEST_MS, SAMPLES, type SceneAudio } from './counterfactual.ts';

/** One picture with its audios and masks. */
export interface ScenePicture {
  /** size x size RGB, rows from the top, 0..255. */
  readonly rgb: Uint8Array;
  /** AGES_MS[split].length x size x size, luminance (BT.601) of the scene that long before, 0..255. */
  readonly earlier: Uint8Array;
  /** AUDIOS_PER_IMAGE x SAMPLES little-endian 16-bit PCM. */
  readonly pcm: Int16Array;
  /** AUDIOS_PER_IMAGE x (size/2) x (size/2), share of each pixel that sounds, 0..255. */
  readonly masks: Uint8Array;
  readonly audios: readonly SceneAudio[];
}

/** How long before its picture an earlier one is seen, from and to: cameras differ in rate, so training sees a range. */
export const AGES_MS = {
  train: [
    [60, 100],
    [130, 200],
    [240, 330],
    [360, 460],
  ],
  'held-out': [
    [80, 80],
    [160, 160],
    [280, 280],
    [400, 400],
  ],
} as const satisfies Record<Split, readonly (readonly [number, number])[]>;

const SHAPES = [
  [640, 480],
  [640, 480],
  [640, 480],
  [640, 360],
  [480, 480],
  [480, 640],
] as const;
const LATEST_MS = 90_000;

/** Renders pictures on canvases it keeps. */
export class PictureRenderer {
  readonly #split: Split;
  readonly #seed: number;
  readonly #size: number;
  readonly #small: SKRSContext2D;
  readonly #mask: SKRSContext2D;
  readonly #large = new Map<number, Canvas>();

  /** @param size side of the pictures in px, even */
  constructor(seed: number, split: Split, size: number) {
    this.#seed = seed;
    this.#split = split;
    this.#size = size;
    this.#small = createCanvas(size, size).getContext('2d');
    this.#small.imageSmoothingQuality = 'high';
    this.#mask = createCanvas(size / 2, size / 2).getContext('2d');
  }

  /** Picture `index`, which depends on the seed, the split and the index alone. The arrays are new. */
  render(index: number): ScenePicture {
    const random = new Random(hash(this.#seed, index));
    const scene = createDemoScene(random.integer(0x7fffffff), { split: this.#split });
    const [width, height] = random.pick(SHAPES);
    const fromSchedule = random.chance(0.65);
    let timeMs = random.between(EARLIEST_MS, LATEST_MS);
    for (let i = 0; fromSchedule && i < 40 && scene.truth(timeMs).sounding.length === 0 && random.chance(0.85); i += 1)
      timeMs = random.between(EARLIEST_MS, LATEST_MS);
    timeMs = Math.round(timeMs);
    const audios = audiosOf(scene, this.#split, random, timeMs, fromSchedule);

    const size = this.#size;
    const rgba = this.#see(scene, width, height, timeMs);
    const rgb = new Uint8Array(size * size * 3);
    for (let i = 0, o = 0; i < rgba.length; i += 4, o += 3) {
      rgb[o] = rgba[i] as number;
      rgb[o + 1] = rgba[i + 1] as number;
      rgb[o + 2] = rgba[i + 2] as number;
    }
    const ages = AGES_MS[this.#split];
    const earlier = new Uint8Array(ages.length * size * size);
    ages.forEach(([low, high], a) => {
      const before = this.#see(scene, width, height, timeMs - random.between(low, high));
      for (let i = 0, o = a * size * size; i < before.length; i += 4, o += 1)
        earlier[o] = luminance(before[i] as number, before[i + 1] as number, before[i + 2] as number);
    });

    const side = size / 2;
    const masks = new Uint8Array(AUDIOS_PER_IMAGE * side * side);
    const pcm = new Int16Array(AUDIOS_PER_IMAGE * SAMPLES);
    audios.forEach((audio, a) => {
      for (let i = 0; i < SAMPLES; i += 1) pcm[a * SAMPLES + i] = Math.round((audio.pcm[i] as number) * 32_767);
      if (audio.sounding.length === 0) return;
      const mask = this.#mask;
      mask.save();
      mask.scale(side / width, side / height);
      scene.drawMaskOf(mask, width, height, timeMs, audio.sounding);
      mask.restore();
      const white = mask.getImageData(0, 0, side, side).data;
      for (let i = 0; i < side * side; i += 1) masks[a * side * side + i] = white[4 * i] as number;
    });
    return { rgb, earlier, pcm, masks, audios };
  }

  /** The scene as `width` x `height` camera pixels scaled to the picture, RGBA. */
  #see(scene: DemoScene, width: number, height: number, timeMs: number): Uint8ClampedArray {
    const large = this.#canvas(width, height);
    const context = large.getContext('2d');
    // Half-covered pixels at the edge would keep a trace of the picture before.
    context.clearRect(0, 0, width, height);
    scene.draw(context, width, height, timeMs);
    const size = this.#size;
    this.#small.clearRect(0, 0, size, size);
    this.#small.drawImage(large, 0, 0, size, size);
    return this.#small.getImageData(0, 0, size, size).data;
  }

  #canvas(width: number, height: number): Canvas {
    const key = width * 10_000 + height;
    let canvas = this.#large.get(key);
    if (canvas === undefined) {
      canvas = createCanvas(width, height);
      this.#large.set(key, canvas);
    }
    return canvas;
  }
}

/** BT.601, of 0..255, rounded. */
function luminance(red: number, green: number, blue: number): number {
  return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
}
