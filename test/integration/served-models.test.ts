/** The paper's models and the live one, exported at a reduced size with random weights, served to real libwebrtc. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Model, readModel } from '../../server/inference/manifest.ts';
import { startOrtSegmenter } from '../../server/inference/ort-segmenter.ts';
import type { RunningServer } from '../../server/service.ts';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import type { ModelDescription } from '../../shared/signalling.ts';
import { differenceToPyTorch } from '../fixtures/golden-vectors.ts';
import { LibwebrtcPublisher } from '../fixtures/libwebrtc-publisher.ts';
import { startTestServer, webSocketUrl } from '../fixtures/running-server.ts';
import { SignallingClient } from '../fixtures/signalling-client.ts';

const MODELS = fileURLToPath(new URL('../../models', import.meta.url));
/** Largest difference allowed to PyTorch, in logits. */
const PARITY = 1e-4;

describe('models as they are exported', () => {
  let folder: string;
  let server: RunningServer | undefined;
  let publisher: LibwebrtcPublisher | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'avsac-served-'));
    const command = ['python', '-m', 'tests.reduced', folder, 's4-pvt', 'avss-r50', 'live'];
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
  async function exportDifference(model: Model): Promise<number> {
    const segmenter = await startOrtSegmenter({
      model,
      executionProviders: ['cpu'],
      inferenceWorkers: 1,
      intraOpThreads: 1,
      observer: { batch() {}, dropped() {}, failed() {}, queueDepth() {}, threadCrashed() {} },
    });
    try {
      return await differenceToPyTorch(segmenter, model);
    } finally {
      await segmenter.close();
    }
  }

  it('single-source model: PVT-v2, VGGish, 300 queries, one class', async () => {
    const model = await readModel(join(folder, 's4-pvt'));
    expect(model.manifest).toMatchObject({ batch: 1, windowLength: 5, classes: ['sounding'], precision: 'fp32' });
    expect(await exportDifference(model)).toBeLessThanOrEqual(PARITY);
    const client = await publishTo(model);
    expect(await description()).toMatchObject({ name: 's4-pvt', classes: ['sounding'], inputWidth: 64 });
    await client.until(() => client.masks.some(({ gated, classes }) => !gated && classes.length === 1));
    const { masks } = client;
    expect(masks.flatMap(({ classes }) => classes).every(({ classIndex }) => classIndex === 0)).toBe(true);
  });

  it('live model: EfficientNet-Lite0, motion, one class, a close-up every second', async () => {
    const model = await readModel(join(folder, 'live'));
    expect(model.manifest.inputs).toMatchObject({
      image: { height: 64 },
      earlier: { height: 64, width: 64, agesMs: [80, 160, 280, 400] },
      closeUp: { height: 128, everyMs: 1000 },
    });
    expect(await exportDifference(model)).toBeLessThanOrEqual(PARITY);
    const client = await publishTo(model);
    await client.until(() => client.masks.filter(({ gated }) => !gated).length > 5);
  });

  it('semantic model: ResNet-50, VGGish, 71 classes by their names', async () => {
    const model = await readModel(join(folder, 'avss-r50'));
    const { classes: names } = model.manifest;
    expect([names.length, names[0], names[70]]).toEqual([71, 'background', 'woman']);
    expect(await exportDifference(model)).toBeLessThanOrEqual(PARITY);
    const client = await publishTo(model);
    expect(await description()).toMatchObject({ classes: names, windowLength: 10 });
    await client.until(() => client.masks.some(({ classes }) => classes.length > 1));
    const lit = client.masks.flatMap(({ classes }) => classes.map(({ classIndex }) => classIndex));
    expect(lit.every((classIndex) => classIndex >= 1 && classIndex < names.length)).toBe(true);
    expect(new Set(lit.map((classIndex) => names[classIndex])).size).toBeGreaterThan(1);
  });
});
