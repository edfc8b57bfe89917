/** The paper's models and the live one, exported at a reduced size with random weights, served to real libwebrtc. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Model, readModel } from '../../server/inference/manifest.ts';
import { allocateModelInput, frameSizes } from '../../server/inference/model-input.ts';
import { startOrtSegmenter } from '../../server/inference/ort-segmenter.ts';
import type { ModelOutput } from '../../server/inference/segmenter.ts';
import { modelPath } from '../../server/inference/shipped-models.ts';
import type { RunningServer } from '../../server/service.ts';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import type { ModelDescription } from '../../shared/signalling.ts';
import { LibwebrtcPublisher } from '../fixtures/libwebrtc-publisher.ts';
import { startTestServer, webSocketUrl } from '../fixtures/running-server.ts';
import { SignallingClient } from '../fixtures/signalling-client.ts';

const MODELS = fileURLToPath(new URL('../../models', import.meta.url));
/** Largest difference allowed to PyTorch, in logits. */
const PARITY = 1e-4;

interface Tensor {
  readonly file: string;
  readonly shape: number[];
}
/** `earlier` of a model that sees motion, the rest of one that sees close-ups. */
type Tensors = Readonly<Record<'image' | 'logMel' | 'logits', Tensor>> &
  Readonly<Partial<Record<'earlier' | 'looks' | 'closeUp' | 'looked', Tensor>>>;

describe('models as they are exported', () => {
  let folder: string;
  let server: RunningServer | undefined;
  let publisher: LibwebrtcPublisher | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'avsac-served-'));
    const command = ['python', '-m', 'tests.reduced', folder, 's4-pvt', 'avss-r50', 'live', 'live-m'];
    await promisify(execFile)(join(MODELS, 'run'), command, { cwd: MODELS });
  });
  afterEach(async () => {
    await publisher?.close();
    await server?.close();
    publisher = undefined;
    server = undefined;
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function publishTo(model: Model): Promise<LibwebrtcPublisher> {
    server = await startTestServer({ model: model.folder, maskRateHz: '10' });
    publisher = await LibwebrtcPublisher.publish(webSocketUrl(server), createDemoScene(9));
    return publisher;
  }

  /** What the server says of its model to whoever connects. */
  async function description(): Promise<ModelDescription> {
    const client = new SignallingClient(webSocketUrl(server!));
    const { model } = await client.next('welcome');
    await client.leave();
    return model;
  }

  /** Largest difference between the served model's logits and PyTorch's, on the export's golden vectors. */
  async function differenceToPyTorch(model: Model): Promise<number> {
    const segmenter = await startOrtSegmenter({
      model,
      executionProviders: ['cpu'],
      inferenceWorkers: 1,
      intraOpThreads: 1,
      observer: { batch() {}, dropped() {}, failed() {}, queueDepth() {}, threadCrashed() {} },
    });
    const golden = JSON.parse(await readFile(join(model.folder, model.manifest.golden), 'utf8')) as {
      model: Tensors[];
    };
    const read = async (file: string) => {
      const { buffer, byteOffset, byteLength } = await readFile(join(model.folder, 'golden', file));
      return buffer.slice(byteOffset, byteOffset + byteLength);
    };
    const sizes = frameSizes(model.manifest);
    let worst = 0;
    for (const { image, logMel, earlier, looks, closeUp, looked, logits } of golden.model) {
      const images = new Uint8Array(await read(image.file));
      const logMels = new Float32Array(await read(logMel.file));
      const before = earlier ? new Uint8Array(await read(earlier.file)) : new Uint8Array();
      const seen = looks ? new Float32Array(await read(looks.file)) : new Float32Array();
      const closer = closeUp ? new Uint8Array(await read(closeUp.file)) : new Uint8Array();
      const expectedLooks = looked ? new Float32Array(await read(looked.file)) : new Float32Array();
      const expected = new Float32Array(await read(logits.file));
      const inputs = Array.from({ length: image.shape[0]! }, (_, i) => {
        const input = allocateModelInput(model.manifest);
        input.image.set(images.subarray(i * sizes.image, (i + 1) * sizes.image));
        input.logMel.set(logMels.subarray(i * sizes.logMel, (i + 1) * sizes.logMel));
        input.earlier.set(before.subarray(i * sizes.earlier, (i + 1) * sizes.earlier));
        input.closeUp.set(closer.subarray(i * sizes.closeUp, (i + 1) * sizes.closeUp));
        return input;
      });
      // Masks are the same without close-ups.
      for (const hasCloseUp of looked ? [true, false] : [false]) {
        for (const [i, input] of inputs.entries()) {
          input.hasCloseUp = hasCloseUp;
          input.looks.set(seen.subarray(i * sizes.looks, (i + 1) * sizes.looks));
          input.logits.fill(Number.NaN);
        }
        await segmenter.segment({ sessionId: 'golden', inputs, deadlineMs: Number.POSITIVE_INFINITY });
        for (const [i, { logits, looks }] of inputs.entries()) {
          const far = (found: ModelOutput, all: Float32Array) =>
            Array.from(found, (value, at) => Math.abs(value - all[i * found.length + at]!)).reduce(
              (a, b) => Math.max(a, b),
              0,
            );
          worst = Math.max(worst, far(logits, expected), hasCloseUp ? far(looks, expectedLooks) : 0);
        }
      }
    }
    await segmenter.close();
    return worst;
  }

  it('single-source model: PVT-v2, VGGish, 300 queries, one class', async () => {
    const model = await readModel(join(folder, 's4-pvt'));
    expect(model.manifest).toMatchObject({ batch: 1, windowLength: 5, classes: ['sounding'], precision: 'fp32' });
    expect(await differenceToPyTorch(model)).toBeLessThanOrEqual(PARITY);
    const client = await publishTo(model);
    expect(await description()).toMatchObject({ name: 's4-pvt', classes: ['sounding'], inputWidth: 64 });
    await client.until(() => client.masks.some(({ gated, classes }) => !gated && classes.length === 1));
    const { masks } = client;
    expect(masks.flatMap(({ classes }) => classes).every(({ classIndex }) => classIndex === 0)).toBe(true);
  });

  it('live model: EfficientNet-Lite0, motion, one class', async () => {
    const model = await readModel(join(folder, 'live'));
    expect(model.manifest.inputs.earlier).toMatchObject({ height: 64, width: 64, agesMs: [80, 160, 280, 400] });
    expect(await differenceToPyTorch(model)).toBeLessThanOrEqual(PARITY);
    const client = await publishTo(model);
    await client.until(() => client.masks.some(({ gated }) => !gated));
  });

  it('live model with close-ups: a look every second', async () => {
    const model = await readModel(join(folder, 'live-m'));
    expect(model.manifest.inputs).toMatchObject({ image: { height: 64 }, closeUp: { height: 128, everyMs: 1000 } });
    expect(await differenceToPyTorch(model)).toBeLessThanOrEqual(PARITY);
    const client = await publishTo(model);
    await client.until(() => client.masks.filter(({ gated }) => !gated).length > 5);
  });

  it('gives what PyTorch gives of the model with close-ups that ships', async () => {
    expect(await differenceToPyTorch(await readModel(modelPath('live-m')))).toBeLessThanOrEqual(PARITY);
  });

  it('semantic model: ResNet-50, VGGish, 71 classes by their names', async () => {
    const model = await readModel(join(folder, 'avss-r50'));
    const { classes: names } = model.manifest;
    expect([names.length, names[0], names[70]]).toEqual([71, 'background', 'woman']);
    expect(await differenceToPyTorch(model)).toBeLessThanOrEqual(PARITY);
    const client = await publishTo(model);
    expect(await description()).toMatchObject({ classes: names, windowLength: 10 });
    await client.until(() => client.masks.some(({ classes }) => classes.length > 1));
    const lit = client.masks.flatMap(({ classes }) => classes.map(({ classIndex }) => classIndex));
    expect(lit.every((classIndex) => classIndex >= 1 && classIndex < names.length)).toBe(true);
    expect(new Set(lit.map((classIndex) => names[classIndex])).size).toBeGreaterThan(1);
  });
});
