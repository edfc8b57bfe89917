/** Thread entry that holds one ONNX Runtime session: `run()` blocks its thread. Started by ort-thread.ts, one batch at a time. */
import { existsSync, readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { AvsacError, asAvsacError, type ErrorCode } from '../../shared/errors.ts';
import { BatchRunner, type BatchTensors } from './batch-runner.ts';
import type { CloseUpInput, EarlierInput, ModelManifest, PictureInput } from './manifest.ts';
import {
  type ExecutionProvider,
  maxBatchFrames,
  openWithFirst,
  type PassedOver,
  paddedBatch,
  warmUpBatches,
} from './providers.ts';
import type { ModelInput, ModelOutput } from './segmenter.ts';

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

/** Of setpriority(2), -20 to 19; of two threads that want the same core, one of 10 gets a tenth. */
const INFERENCE_NICENESS = 10;

/** Channels of the output: K, or the one of a mask. */
const channelsOf = ({ output, classes }: Pick<ModelManifest, 'output' | 'classes'>) =>
  output.type === 'uint8' ? 1 : classes.length;

const outputTensor = (data: ModelOutput, shape: readonly number[]) =>
  data instanceof Uint8Array ? new Tensor('uint8', data, shape) : new Tensor('float32', data, shape);

/** Shape of one frame's earlier ones. */
const planes = ({ agesMs, height, width }: EarlierInput) => [agesMs.length, height, width];

/** Shape of one picture. */
const pixels = ({ height, width, channels }: PictureInput) => [height, width, channels];

const looksShape = ({ looks }: CloseUpInput) => [looks.positions, looks.kinds];

/** One run of the session, straight into the batch's buffers. */
async function runBatch(
  session: InferenceSession,
  { inputs, output, classes }: ModelManifest,
  { frames, image, logMel, earlier, looks, closeUps, closeUp, looked, logits }: BatchTensors,
): Promise<void> {
  const { frames: hops, bands } = inputs.logMel;
  await session.run(
    {
      [inputs.image.name]: new Tensor('uint8', image, [frames, ...pixels(inputs.image)]),
      [inputs.logMel.name]: new Tensor('float32', logMel, [frames, 1, hops, bands]),
      ...(inputs.earlier && {
        [inputs.earlier.name]: new Tensor('uint8', earlier, [frames, ...planes(inputs.earlier)]),
      }),
      ...(inputs.closeUp && {
        [inputs.closeUp.name]: new Tensor('uint8', closeUp, [closeUps, ...pixels(inputs.closeUp)]),
        [inputs.closeUp.looks.name]: new Tensor('float32', looks, [frames, ...looksShape(inputs.closeUp)]),
      }),
    },
    {
      [output.name]: outputTensor(logits, [frames, channelsOf({ output, classes }), output.height, output.width]),
      ...(inputs.closeUp && {
        [inputs.closeUp.looks.output]: new Tensor('float32', looked, [closeUps, ...looksShape(inputs.closeUp)]),
      }),
    },
  );
}

/** @throws AvsacError `model-manifest-invalid` when the graph's inputs and outputs are not those of the manifest. */
function checkGraph({ inputMetadata, outputMetadata }: InferenceSession, manifest: ModelManifest): void {
  const { inputs, output, batch } = manifest;
  const { image, logMel, earlier, closeUp } = inputs;
  const expected = [
    [image.name, 'uint8', pixels(image), inputMetadata],
    [logMel.name, 'float32', [1, logMel.frames, logMel.bands], inputMetadata],
    ...(earlier ? [[earlier.name, 'uint8', planes(earlier), inputMetadata] as const] : []),
    ...(closeUp
      ? ([
          [closeUp.name, 'uint8', pixels(closeUp), inputMetadata],
          [closeUp.looks.name, 'float32', looksShape(closeUp), inputMetadata],
          [closeUp.looks.output, 'float32', looksShape(closeUp), outputMetadata],
        ] as const)
      : []),
    [output.name, output.type, [channelsOf(manifest), output.height, output.width], outputMetadata],
  ] as const;
  for (const [name, type, shape, metadata] of expected) {
    const found = metadata.find((value) => value.name === name);
    const text = found?.isTensor ? `${found.type} [${found.shape.join(', ')}]` : 'no such tensor';
    const fits = found?.isTensor && found.type === type && shape.join() === found.shape.slice(1).join();
    const frames = found?.isTensor ? found.shape[0] : undefined;
    // Close-ups are of some frames of a batch, or of none.
    const count = name === closeUp?.name || name === closeUp?.looks.output ? undefined : batch;
    if (!fits || (count === undefined ? typeof frames !== 'string' : frames !== count)) {
      throw new AvsacError(
        'model-manifest-invalid',
        `${manifest.file}: ${name}: expected ${type} [N, ${shape.join(', ')}] with N ${count ?? 'free'}, found ${text}`,
      );
    }
  }
}

interface Loaded {
  readonly session: InferenceSession;
  readonly runner: BatchRunner;
  readonly maxBatchFrames: number;
}

/** Loads the model and warms it, so that the first frame does not pay for allocations and compilation. */
async function load({ file, manifest, intraOpThreads }: OrtWorkerData, provider: ExecutionProvider): Promise<Loaded> {
  const session = await InferenceSession.create(file, {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads: intraOpThreads,
    // Threads that spin for work take the cores from the decoders: measured on two busy cores, twice the CPU and the time.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  checkGraph(session, manifest);
  const { batch, temporal, windowLength } = manifest;
  const batchFrames = batch ?? maxBatchFrames(provider);
  // A window that must run whole may be larger than a batch.
  const maxFrames = temporal ? Math.max(batchFrames, windowLength) : batchFrames;
  const runner = new BatchRunner({
    manifest,
    maxFrames,
    padded: (frames) => batch ?? paddedBatch(provider, frames),
    run: (tensors) => runBatch(session, manifest, tensors),
  });
  const sizes = batch === undefined ? warmUpBatches(provider, maxFrames) : [batch];
  for (const frames of sizes) await runner.warmUp(frames, manifest.inputs.closeUp ? frames : 0);
  return { session, runner, maxBatchFrames: batchFrames };
}

/**
 * Media threads come first: a socket that is read late makes every mask of its streams late, a model that runs late only its own.
 * Linux alone has a niceness for each thread; those of the runtime's pool, made later, inherit it.
 */
function giveWay(): void {
  const self = '/proc/thread-self';
  if (existsSync(self)) setPriority(Number(basename(readlinkSync(self))), INFERENCE_NICENESS);
}

const port = parentPort;
if (port === null) throw new Error('ort-worker.ts is a worker thread entry');
const post = (reply: OrtWorkerReply): void => port.postMessage(reply);

try {
  giveWay();
  // The runtime's own log lines are not JSON; what matters in them is in the errors it throws.
  env.logLevel = 'fatal';
  const data = workerData as OrtWorkerData;
  const available = listSupportedBackends().map(({ name }) => name);
  const opened = await openWithFirst(data.executionProviders, available, (provider) => load(data, provider));
  const { provider, passedOver } = opened;
  const { session, runner, maxBatchFrames: batchFrames } = opened.session;
  port.on('message', async (request: OrtWorkerRequest) => {
    if (request.kind === 'close') {
      port.close();
      await session.release();
      return;
    }
    try {
      const startMs = performance.now();
      await runner.run(request.inputs);
      post({ kind: 'done', inferenceMs: performance.now() - startMs });
    } catch (error) {
      post({ kind: 'failed', detail: error instanceof Error ? error.message : String(error) });
    }
  });
  post({ kind: 'ready', executionProvider: provider, passedOver, maxBatchFrames: batchFrames });
} catch (error) {
  const { code, detail, message } = asAvsacError(error);
  post({ kind: 'refused', code, detail: detail ?? message });
  port.close();
}
