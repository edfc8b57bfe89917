import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { writeTinyModel } from '../../test/fixtures/tiny-model.ts';
import { readModel } from './manifest.ts';
import { DEFAULT_MODEL, modelPath } from './shipped-models.ts';

it('finds a shipped model by its name, and leaves paths as they are', async () => {
  const shipped = await mkdtemp(join(tmpdir(), 'avsac-shipped-'));
  await writeTinyModel(join(shipped, 'live-still'));
  expect(modelPath('live-still', shipped)).toBe(join(shipped, 'live-still'));
  expect((await readModel(modelPath('live-still', shipped))).manifest.name).toBe('tiny');
  for (const path of ['other', './live-still', '../live-still', '/models/live-still', 'live-still/manifest.json'])
    expect(modelPath(path, shipped)).toBe(path);
  await rm(shipped, { recursive: true });
});

it('reads every shipped model, which bears the name of its folder', async () => {
  const folders = (await readdir(dirname(DEFAULT_MODEL), { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  );
  expect(folders.length).toBeGreaterThan(1);
  for (const { name } of folders) expect((await readModel(modelPath(name))).manifest.name).toBe(`avsac-${name}`);
});

it('has a model that serves by default', async () => {
  expect((await readModel(DEFAULT_MODEL)).manifest.classes).toEqual(['sounding']);
});
