import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AvsacError } from '../../shared/errors.ts';
import { tinyManifest, tinyOnnx, writeTinyModel } from '../../test/fixtures/tiny-model.ts';
import { parseManifest, readModel } from './manifest.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-manifest-'));
  await writeTinyModel(join(folder, 'good'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The tiny model with some fields of its manifest replaced; `a.b` names a field of a field. */
async function modelWith(name: string, fields: Record<string, unknown>): Promise<string> {
  await writeTinyModel(join(folder, name));
  await writeFile(join(folder, name, 'manifest.json'), JSON.stringify(manifestWith(fields)));
  return join(folder, name);
}

function manifestWith(fields: Record<string, unknown>): unknown {
  const manifest: unknown = structuredClone(tinyManifest());
  for (const [path, value] of Object.entries(fields)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    const parent = keys.reduce(
      (object, key) => object[key] as Record<string, unknown>,
      manifest as Record<string, unknown>,
    );
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return manifest;
}

const failure = async (promise: Promise<unknown>): Promise<AvsacError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AvsacError);
  return error as AvsacError;
};

describe('readModel', () => {
  it('takes the folder, the manifest and the ONNX file for the same model', async () => {
    const paths = ['good', 'good/manifest.json', 'good/tiny.onnx'].map((path) => join(folder, path));
    for (const path of paths) {
      const model = await readModel(path);
      expect(model.file).toBe(join(folder, 'good', 'tiny.onnx'));
      expect(model.folder).toBe(join(folder, 'good'));
      expect(model.manifest).toEqual(tinyManifest());
    }
  });

  it('names the path that is missing', async () => {
    const absent = join(folder, 'absent');
    const error = await failure(readModel(absent));
    expect(error.code).toBe('model-missing');
    expect(error.detail).toBe(`${absent}: ENOENT`);
  });

  it('names the manifest that is missing from a folder', async () => {
    const error = await failure(readModel(folder));
    expect(error.code).toBe('model-missing');
    expect(error.detail).toBe(`${join(folder, 'manifest.json')}: ENOENT`);
  });

  it('names the ONNX file that is missing beside its manifest', async () => {
    const error = await failure(readModel(await modelWith('no-file', { file: 'other.onnx' })));
    expect(error.code).toBe('model-missing');
    expect(error.detail).toBe(`${join(folder, 'no-file', 'other.onnx')}: ENOENT`);
  });

  it('says both checksums and sizes when one byte of the file differs', async () => {
    const path = await modelWith('flipped', {});
    const onnx = Uint8Array.from(tinyOnnx());
    onnx[onnx.length - 1]! ^= 1;
    await writeFile(join(path, 'tiny.onnx'), onnx);
    const error = await failure(readModel(path));
    expect(error.code).toBe('model-checksum');
    expect(error.detail).toMatch(
      new RegExp(
        `expected ${onnx.length} bytes with SHA-256 ${tinyManifest().sha256}, found ${onnx.length} bytes with SHA-256 `,
      ),
    );
  });

  it('refuses an ONNX file that its manifest does not describe', async () => {
    const path = await modelWith('two', {});
    await writeFile(join(path, 'second.onnx'), tinyOnnx());
    const error = await failure(readModel(join(path, 'second.onnx')));
    expect(error.code).toBe('model-manifest-invalid');
    expect(error.detail).toMatch('expected second.onnx, found tiny.onnx');
  });
});

describe('parseManifest', () => {
  const detail = (fields: Record<string, unknown>): string => {
    try {
      parseManifest(JSON.stringify(manifestWith(fields)), 'm.json');
    } catch (error) {
      expect((error as AvsacError).code).toBe('model-manifest-invalid');
      return (error as AvsacError).detail!;
    }
    throw new Error('the manifest was accepted');
  };

  it.each([
    ['an unknown layout', { 'inputs.image.layout': 'NCHW' }, 'inputs.image.layout: must be "NHWC", found "NCHW"'],
    ['an unknown type', { 'output.type': 'float16' }, 'output.type: must be "float32" or "uint8", found "float16"'],
    [
      'a temporal model of fixed batch',
      { temporal: true, batch: 5 },
      'batch: must be absent from a temporal model, whose first windows are shorter, found 5',
    ],
    ['a missing field', { 'audio.hopLength': undefined }, 'audio: must have required properties hopLength'],
    ['a threshold out of range', { threshold: 1.5 }, 'threshold: must be < 1, found 1.5'],
    [
      'a path for a file',
      { file: '../other.onnx' },
      'file: must match pattern "^[^/\\\\]+\\.onnx$", found "../other.onnx"',
    ],
    [
      'earlier frames of another size',
      { 'inputs.earlier': { ...tinyManifest({ motion: true }).inputs.earlier, width: 9 } },
      'inputs.earlier.width: must equal inputs.image.width (8), found 9',
    ],
    ['no class', { classes: [] }, 'classes: must not have fewer than 1 items, found []'],
    ['bands that disagree', { 'audio.melBands': 40 }, 'inputs.logMel.bands: must equal audio.melBands (40), found 64'],
    [
      'an edge above Nyquist',
      { 'audio.melHighHz': 9000 },
      'audio.melHighHz: must be above melLowHz (125) and at most half the sample rate (8000), found 9000',
    ],
    [
      'a window longer than the FFT',
      { 'audio.windowLength': 600 },
      'audio.windowLength: must be at most fftLength (512), found 600',
    ],
  ])('refuses %s and says so', (_, fields, expected) => {
    expect(detail(fields)).toBe(`m.json: ${expected}`);
  });

  it('takes a manifest from before models had a precision, a fixed batch or masks, and one that has them', () => {
    const recent = { precision: 'fp16', batch: 4, 'output.type': 'uint8' };
    for (const fields of [{}, recent]) {
      const manifest = manifestWith(fields);
      expect(parseManifest(JSON.stringify(manifest), 'm.json')).toEqual(manifest);
    }
  });

  it('names every fault at once', () => {
    const faults = detail({ threshold: 0, windowLength: 0, 'inputs.image.channels': 1 });
    for (const field of ['threshold', 'windowLength', 'inputs.image.channels']) expect(faults).toMatch(`${field}: `);
  });

  it('throws only the project error, whatever the text', () => {
    const refused = (text: string): void => {
      try {
        parseManifest(text, 'm.json');
      } catch (error) {
        expect(error).toBeInstanceOf(AvsacError);
        return;
      }
      throw new Error(`accepted ${text}`);
    };
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), refused));
  });
});
