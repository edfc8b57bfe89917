/** The model alone: what the server's masks/s are compared with. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Model } from '../../server/inference/manifest.ts';
import { allocateModelInput } from '../../server/inference/model-input.ts';

export interface BareLoopOptions {
  readonly model: Model;
  /** Loops at the same time, each in its own thread with its own session. */
  readonly loops: number;
  /** Threads of one run. */
  readonly intraOpThreads: number;
  /** How long to measure, after the warm-up. */
  readonly durationMs: number;
}

export interface BareLoopFigures {
  /** Of all loops together. */
  readonly masksPerSecond: number;
  /** Median and 95th percentile of one run, ms. */
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** One frame after the other through ONNX Runtime on the CPU, with nothing around it and the server's session options. */
export async function bareLoop(options: BareLoopOptions): Promise<BareLoopFigures> {
  const loops = Array.from({ length: options.loops }, async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: options });
    const [runsMs] = (await once(worker, 'message')) as [number[]];
    return runsMs;
  });
  const runsMsByLoop = await Promise.all(loops);
  const masksPerSecond = runsMsByLoop.reduce((sum, runsMs) => sum + (1000 * runsMs.length) / total(runsMs), 0);
  const runsMs = runsMsByLoop.flat().sort((a, b) => a - b);
  const at = (share: number): number => runsMs[Math.floor(share * (runsMs.length - 1))]!;
  return { masksPerSecond, p50Ms: at(0.5), p95Ms: at(0.95) };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** @returns time of each run, ms. */
async function loop({ model, intraOpThreads, durationMs }: BareLoopOptions): Promise<number[]> {
  const session = await InferenceSession.create(model.file, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads: intraOpThreads,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const { inputs, output, classes } = model.manifest;
  const { height, width, channels } = inputs.image;
  const { frames, bands } = inputs.logMel;
  const { image, logMel, earlier, looks } = allocateModelInput(model.manifest);
  image.set(image.map((_, i) => (i * 7919) % 251));
  logMel.set(logMel.map((_, i) => Math.sin(i) - 2));
  earlier.set(earlier.map((_, i) => (i * 7919) % 241));
  const feeds = {
    [inputs.image.name]: new Tensor('uint8', image, [1, height, width, channels]),
    [inputs.logMel.name]: new Tensor('float32', logMel, [1, 1, frames, bands]),
    ...(inputs.earlier && {
      [inputs.earlier.name]: new Tensor('uint8', earlier, [1, inputs.earlier.agesMs.length, height, width]),
    }),
    ...(inputs.closeUp && {
      [inputs.closeUp.looks.name]: new Tensor('float32', looks, [
        1,
        inputs.closeUp.looks.positions,
        inputs.closeUp.looks.kinds,
      ]),
      [inputs.closeUp.name]: new Tensor('uint8', new Uint8Array(), [
        0,
        inputs.closeUp.height,
        inputs.closeUp.width,
        inputs.closeUp.channels,
      ]),
    }),
  };
  const logits = new Float32Array(classes.length * output.height * output.width);
  const fetches = { [output.name]: new Tensor('float32', logits, [1, classes.length, output.height, output.width]) };
  for (let i = 0; i < 5; i++) await session.run(feeds, fetches);
  const runsMs: number[] = [];
  const startMs = performance.now();
  let endMs = startMs;
  while (endMs - startMs < durationMs) {
    const runStartMs = endMs;
    await session.run(feeds, fetches);
    endMs = performance.now();
    runsMs.push(endMs - runStartMs);
  }
  await session.release();
  return runsMs;
}

if (!isMainThread && parentPort !== null) parentPort.postMessage(await loop(workerData as BareLoopOptions));
