import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { KindName, Split } from '../../shared/demo-scene/kind.ts';
import { AUDIOS_PER_IMAGE, SAMPLES, type Tag } from './counterfactual.ts';
import type { ScenePicture } from './scene-picture.ts';

/** What `meta.json` says of a data set. */
export interface DatasetMeta {
  readonly count: number;
  readonly first: number;
  readonly size: number;
  readonly maskSize: number;
  readonly audiosPerImage: number;
  readonly samples: number;
  readonly sampleRateHz: number;
  readonly split: Split;
  readonly seed: number;
  readonly kinds: readonly KindName[];
}

interface Label {
  readonly tag: Tag;
  readonly kinds: readonly KindName[];
  /** Kinds the mask shows. */
  readonly lit: readonly string[];
}

const LABELS_EVERY = 250;

/**
 * The files of a data set, written in order of picture, so that what is there is usable at any time and an interrupted run goes on
 * where it stopped: `meta.json`, `images.u8`, `pcm.i16` (little-endian), `masks.u8` and `labels.json`.
 */
export class DatasetFiles {
  readonly #directory: string;
  readonly #labels: (readonly Label[])[];
  readonly #files: readonly [images: number, pcm: number, masks: number];
  /** Bytes a picture takes in each. */
  readonly #strides: readonly [images: number, pcm: number, masks: number];

  /** @throws Error when the directory holds another data set or cannot be written; the message names the remedy */
  constructor(directory: string, meta: DatasetMeta) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    const metaPath = join(directory, 'meta.json');
    const text = `${JSON.stringify(meta, null, 1)}\n`;
    if (existsSync(metaPath) && readFileSync(metaPath, 'utf8') !== text) {
      throw new Error(
        `${directory} holds a data set made with other options: choose another --out, or delete that directory`,
      );
    }
    writeFileSync(metaPath, text);
    const strides = [
      meta.size ** 2 * 3,
      AUDIOS_PER_IMAGE * SAMPLES * 2,
      AUDIOS_PER_IMAGE * meta.maskSize ** 2,
    ] as const;
    const paths = ['images.u8', 'pcm.i16', 'masks.u8'].map((name) => join(directory, name));
    const labelsPath = join(directory, 'labels.json');
    const labels: (readonly Label[])[] = existsSync(labelsPath) ? JSON.parse(readFileSync(labelsPath, 'utf8')) : [];
    const whole = paths.map((path, i) =>
      existsSync(path) ? Math.floor(statSync(path).size / (strides[i] as number)) : 0,
    );
    const done = Math.min(labels.length, ...whole);
    this.#labels = labels.slice(0, done);
    const open = (i: 0 | 1 | 2): number => {
      const path = paths[i] as string;
      const file = openSync(path, existsSync(path) ? 'r+' : 'w');
      ftruncateSync(file, done * strides[i]);
      return file;
    };
    this.#files = [open(0), open(1), open(2)];
    this.#strides = strides;
  }

  /** Pictures written so far. */
  get done(): number {
    return this.#labels.length;
  }

  append(picture: ScenePicture): void {
    const at = this.done;
    const [images, pcm, masks] = this.#files;
    const [imageBytes, pcmBytes, maskBytes] = this.#strides;
    writeSync(images, picture.rgb, 0, imageBytes, at * imageBytes);
    writeSync(pcm, new Uint8Array(picture.pcm.buffer), 0, pcmBytes, at * pcmBytes);
    writeSync(masks, picture.masks, 0, maskBytes, at * maskBytes);
    this.#labels.push(
      picture.audios.map(({ tag, kinds, sounding }) => ({
        tag,
        kinds,
        lit: sounding.map((id) => id.slice(0, id.lastIndexOf('-'))),
      })),
    );
    if (this.done % LABELS_EVERY === 0) this.#writeLabels();
  }

  close(): void {
    this.#writeLabels();
    for (const file of this.#files) closeSync(file);
  }

  #writeLabels(): void {
    const path = join(this.#directory, 'labels.json');
    writeFileSync(`${path}.part`, JSON.stringify(this.#labels));
    renameSync(`${path}.part`, path);
  }
}
