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
  /** How long before each picture its earlier ones lie: from and to, in order. */
  readonly earlierAgesMs: readonly (readonly [number, number])[];
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

interface ArrayFile {
  readonly file: number;
  /** Bytes a picture takes. */
  readonly stride: number;
  readonly of: (picture: ScenePicture) => Uint8Array;
}

const LABELS_EVERY = 250;

/**
 * The files of a data set, written in order of picture, so that what is there is usable at any time and an interrupted run goes on
 * where it stopped: `meta.json`, `images.u8`, `earlier.u8`, `pcm.i16` (little-endian), `masks.u8` and `labels.json`.
 */
export class DatasetFiles {
  readonly #directory: string;
  readonly #labels: (readonly Label[])[];
  readonly #files: readonly ArrayFile[];

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
    const arrays = [
      { name: 'images.u8', stride: meta.size ** 2 * 3, of: ({ rgb }: ScenePicture) => rgb },
      {
        name: 'earlier.u8',
        stride: meta.earlierAgesMs.length * meta.size ** 2,
        of: ({ earlier }: ScenePicture) => earlier,
      },
      {
        name: 'pcm.i16',
        stride: AUDIOS_PER_IMAGE * SAMPLES * 2,
        of: ({ pcm }: ScenePicture) => new Uint8Array(pcm.buffer),
      },
      { name: 'masks.u8', stride: AUDIOS_PER_IMAGE * meta.maskSize ** 2, of: ({ masks }: ScenePicture) => masks },
    ].map((array) => ({ ...array, path: join(directory, array.name) }));
    const labelsPath = join(directory, 'labels.json');
    const labels: (readonly Label[])[] = existsSync(labelsPath) ? JSON.parse(readFileSync(labelsPath, 'utf8')) : [];
    const whole = arrays.map(({ path, stride }) => (existsSync(path) ? Math.floor(statSync(path).size / stride) : 0));
    const done = Math.min(labels.length, ...whole);
    this.#labels = labels.slice(0, done);
    this.#files = arrays.map(({ path, stride, of }) => {
      const file = openSync(path, existsSync(path) ? 'r+' : 'w');
      ftruncateSync(file, done * stride);
      return { file, stride, of };
    });
  }

  /** Pictures written so far. */
  get done(): number {
    return this.#labels.length;
  }

  append(picture: ScenePicture): void {
    for (const { file, stride, of } of this.#files) writeSync(file, of(picture), 0, stride, this.done * stride);
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
    for (const { file } of this.#files) closeSync(file);
  }

  #writeLabels(): void {
    const path = join(this.#directory, 'labels.json');
    writeFileSync(`${path}.part`, JSON.stringify(this.#labels));
    renameSync(`${path}.part`, path);
  }
}
