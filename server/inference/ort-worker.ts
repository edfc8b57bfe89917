/** Thread entry that holds one ONNX Runtime session: `run()` blocks its thread. Started by ort-thread.ts, one batch at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { AvsacError, asAvsacError, type ErrorCode } from '../../shared/errors.ts';
import type { ModelManifest } from './manifest.ts';
import { type FrameSizes, frameSizes } from './model-input.ts';
import {
  type ExecutionProvider,
  maxBatchFrames,
  openSession,
  type PassedOver,
  paddedBatch,
  warmUpBatches,
} from './providers.ts';
import type { ModelInput } from './segmenter.ts';

export interface OrtWorkerData {
  /** Absolute path of the ONNX file. */
  readonly file: string;
  readonly manifest: ModelManifest;
  /** In order of preference. */
  readonly executionProviders: readonly ExecutionProvider[];
  /** Threads of one run, at least 1. */
  readonly intraOpThreads: number;
}

/** Logits are written into each input's shared memory before `done` is posted. */
export type OrtWorkerRequest =
  | { readonly kind: 'run'; readonly inputs: readonly ModelInput[] }
  | { readonly kind: 'close' };

export type OrtWorkerReply =
  /** Loaded and warmed; the first reply, unless it is `refused`. */
  | {
      readonly kind: 'ready';
      readonly executionProvider: ExecutionProvider;
      readonly passedOver: readonly PassedOver[];
      readonly maxBatchFrames: number;
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'done'; readonly inferenceMs: number }
  | { readonly kind: 'failed'; readonly detail: string };

/** Runs batches through one session, in buffers allocated once. */
class BatchRunner {
  readonly #session: InferenceSession;
  readonly #manifest: ModelManifest;
  readonly #padded: (frames: number) => number;
  readonly #sizes: FrameSizes;
  readonly #image: Uint8Array;
  readonly #logMel: Float32Array;
  readonly #logits: Float32Array;

  /** @param padded frames that a batch of so many frames is run as. */
  constructor(
    session: InferenceSession,
    manifest: ModelManifest,
    maxFrames: number,
    padded: (frames: number) => number,
  ) {
    this.#session = session;
    this.#manifest = manifest;
    this.#padded = padded;
    this.#sizes = frameSizes(manifest);
    this.#image = new Uint8Array(maxFrames * this.#sizes.image);
    this.#logMel = new Float32Array(maxFrames * this.#sizes.logMel);
    this.#logits = new Float32Array(maxFrames * this.#sizes.logits);
  }

  /** @returns time of the run, ms. */
  async run(inputs: readonly ModelInput[]): Promise<number> {
    const startMs = performance.now();
    for (const [i, { image, logMel }] of inputs.entries()) {
      this.#image.set(image, i * this.#sizes.image);
      this.#logMel.set(logMel, i * this.#sizes.logMel);
    }
    await this.runFrames(inputs.length);
    for (const [i, { logits }] of inputs.entries()) {
      logits.set(this.#logits.subarray(i * this.#sizes.logits, (i + 1) * this.#sizes.logits));
    }
    return performance.now() - startMs;
  }

  /** Runs what the buffers hold. The rows that padding adds hold older frames, whose logits nobody reads. */
  async runFrames(frames: number): Promise<void> {
    const n = this.#padded(frames);
    const { inputs, output, classes } = this.#manifest;
    const { height, width, channels } = inputs.image;
    const { frames: hops, bands } = inputs.logMel;
    const image = this.#image.subarray(0, n * this.#sizes.image);
    const logMel = this.#logMel.subarray(0, n * this.#sizes.logMel);
    const logits = this.#logits.subarray(0, n * this.#sizes.logits);
    await this.#session.run(
      {
        [inputs.image.name]: new Tensor('uint8', image, [n, height, width, channels]),
        [inputs.logMel.name]: new Tensor('float32', logMel, [n, 1, hops, bands]),
      },
      { [output.name]: new Tensor('float32', logits, [n, classes.length, output.height, output.width]) },
    );
  }
}

/** @throws AvsacError `model-manifest-invalid` when the graph's inputs and outputs are not those of the manifest. */
function checkGraph({ inputMetadata, outputMetadata }: InferenceSession, manifest: ModelManifest): void {
  const { inputs, output, classes } = manifest;
  const { image, logMel } = inputs;
  const expected = [
    [image.name, 'uint8', [image.height, image.width, image.channels], inputMetadata],
    [logMel.name, 'float32', [1, logMel.frames, logMel.bands], inputMetadata],
    [output.name, 'float32', [classes.length, output.height, output.width], outputMetadata],
  ] as const;
  for (const [name, type, shape, metadata] of expected) {
    const found = metadata.find((value) => value.name === name);
    const text = found?.isTensor ? `${found.type} [${found.shape.join(', ')}]` : 'no such tensor';
    const fits = found?.isTensor && found.type === type && shape.join() === found.shape.slice(1).join();
    if (!fits || typeof found.shape[0] !== 'string') {
      throw new AvsacError(
        'model-manifest-invalid',
        `${manifest.file}: ${name}: expected ${type} [N, ${shape.join(', ')}] with N free, found ${text}`,
      );
    }
  }
}

/** Loads and warms the model, so that the first frame does not pay for allocations and compilation. */
async function open(
  data: OrtWorkerData,
): Promise<{ runner: BatchRunner; session: InferenceSession; ready: OrtWorkerReply }> {
  const { file, manifest, executionProviders, intraOpThreads } = data;
  // The runtime's own log lines are not JSON; what matters in them is in the errors it throws.
  env.logLevel = 'fatal';
  const { session, provider, passedOver } = await openSession(
    {
      available: listSupportedBackends().map(({ name }) => name),
      create: (options) => InferenceSession.create(file, options),
    },
    executionProviders,
    {
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      interOpNumThreads: 1,
      intraOpNumThreads: intraOpThreads,
    },
  );
  checkGraph(session, manifest);
  const padded = (frames: number): number => paddedBatch(provider, frames);
  // A window that runs whole may be larger than a batch.
  const maxFrames = Math.max(maxBatchFrames(provider), manifest.windowLength);
  const runner = new BatchRunner(session, manifest, padded(maxFrames), padded);
  for (const frames of warmUpBatches(provider, maxFrames)) await runner.runFrames(frames);
  return {
    runner,
    session,
    ready: { kind: 'ready', executionProvider: provider, passedOver, maxBatchFrames: maxBatchFrames(provider) },
  };
}

const port = parentPort;
if (port === null) throw new Error('ort-worker.ts is a worker thread entry');
const post = (reply: OrtWorkerReply): void => port.postMessage(reply);

try {
  const { runner, session, ready } = await open(workerData as OrtWorkerData);
  port.on('message', async (request: OrtWorkerRequest) => {
    if (request.kind === 'close') {
      port.close();
      await session.release();
      return;
    }
    try {
      post({ kind: 'done', inferenceMs: await runner.run(request.inputs) });
    } catch (error) {
      post({ kind: 'failed', detail: error instanceof Error ? error.message : String(error) });
    }
  });
  post(ready);
} catch (error) {
  const { code, detail, message } = asAvsacError(error);
  post({ kind: 'refused', code, detail: detail ?? message });
  port.close();
}
