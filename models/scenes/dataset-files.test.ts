import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KIND_NAMES } from '../../shared/demo-scene/kinds.ts';
import { DatasetFiles, type DatasetMeta } from './dataset-files.ts';
import { AGES_MS, PictureRenderer } from './scene-picture.ts';

const META: DatasetMeta = {
  count: 4,
  first: 0,
  size: 32,
  maskSize: 16,
  audiosPerImage: 3,
  earlierAgesMs: AGES_MS.train,
  samples: 15_600,
  sampleRateHz: 16_000,
  split: 'train',
  seed: 2,
  kinds: KIND_NAMES,
};
const NAMES = ['meta.json', 'images.u8', 'earlier.u8', 'pcm.i16', 'masks.u8', 'labels.json'];

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'scenes-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(path: string, until: number): void {
  const renderer = new PictureRenderer(META.seed, META.split, META.size);
  const files = new DatasetFiles(path, META);
  while (files.done < until) files.append(renderer.render(files.done));
  files.close();
}

test('files have the sizes the meta data says', () => {
  write(directory, 4);
  const size = (name: string): number => readFileSync(join(directory, name)).length;
  expect(size('images.u8')).toBe(4 * 32 * 32 * 3);
  expect(size('earlier.u8')).toBe(4 * AGES_MS.train.length * 32 * 32);
  expect(size('pcm.i16')).toBe(4 * 3 * 15_600 * 2);
  expect(size('masks.u8')).toBe(4 * 3 * 16 * 16);
  expect(JSON.parse(readFileSync(join(directory, 'labels.json'), 'utf8'))).toHaveLength(4);
});

test('a run that was cut off goes on to the same files', () => {
  const whole = join(directory, 'whole');
  const cut = join(directory, 'cut');
  write(whole, 4);
  write(cut, 3);
  truncateSync(join(cut, 'masks.u8'), 2 * 3 * 16 * 16 + 5);
  write(cut, 4);
  for (const name of NAMES) expect(readFileSync(join(cut, name)).equals(readFileSync(join(whole, name)))).toBe(true);
});

test('a directory with another data set is refused', () => {
  write(directory, 1);
  expect(() => new DatasetFiles(directory, { ...META, seed: 3 })).toThrow('choose another --out');
});
