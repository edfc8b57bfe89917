/** The segmenter on ONNX Runtime: one scheduler before one or more inference threads. Lives on the main thread. */
import { AvsacError, asAvsacError } from '../../shared/errors.ts';
import type { Model, ModelManifest } from './manifest.ts';
import { type FrameSizes, frameSizes } from './model-input.ts';
import { ORT_WORKER_ENTRY, OrtThread } from './ort-thread.ts';
import type { ExecutionProvider, PassedOver } from './providers.ts';
import { Scheduler } from './scheduler.ts';
import type { Segmenter, SegmentReply, SegmentRequest } from './segmenter.ts';
import type { SegmenterObserver } from './segmenter-observer.ts';

export interface OrtSegmenterOptions {
  readonly model: Model;
  /** In order of preference. */
  readonly executionProviders: readonly ExecutionProvider[];
  /** Threads that each hold a copy of the model when it runs on the CPU, at least 1; any other device has one. */
  readonly inferenceWorkers: number;
  /** Threads of one run on the CPU, at least 1. */
  readonly intraOpThreads: number;
  readonly observer: SegmenterObserver;
  /** Absolute time on the clock of the deadlines, ms. Default: `performance.timeOrigin + performance.now()`. */
  readonly nowMs?: () => number;
  /** Entry of the inference threads. Default: ort-worker.ts. */
  readonly workerEntry?: URL;
}

interface Waiting {
  readonly sessionId: string;
  readonly frames: number;
  readonly deadlineMs: number;
  readonly inputs: SegmentRequest['inputs'];
  readonly enqueuedMs: number;
  resolve(reply: SegmentReply): void;
  reject(error: AvsacError): void;
}

/**
 * Loads and warms the model in every inference thread.
 * @throws AvsacError `provider-unavailable`, `model-manifest-invalid`, `inference-failed`
 */
export async function startOrtSegmenter(options: OrtSegmenterOptions): Promise<OrtSegmenter> {
  const segmenter = new OrtSegmenter(options);
  try {
    await segmenter.load();
  } catch (error) {
    await segmenter.close();
    throw error;
  }
  return segmenter;
}

export class OrtSegmenter implements Segmenter {
  readonly manifest: ModelManifest;
  readonly #options: OrtSegmenterOptions;
  readonly #sizes: FrameSizes;
  readonly #observer: SegmenterObserver;
  readonly #nowMs: () => number;
  readonly #scheduler = new Scheduler<Waiting>();
  readonly #threads: OrtThread[] = [];
  #executionProvider = '';
  #passedOver: readonly PassedOver[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: OrtSegmenterOptions) {
    this.manifest = options.model.manifest;
    this.#options = options;
    this.#sizes = frameSizes(options.model.manifest);
    this.#observer = options.observer;
    this.#nowMs = options.nowMs ?? (() => performance.timeOrigin + performance.now());
  }

  get executionProvider(): string {
    return this.#executionProvider;
  }

  /** The providers tried before the one in use, each with the reason it does not run the model. */
  get passedOver(): readonly PassedOver[] {
    return this.#passedOver;
  }

  /** True while a frame can be answered: the model is warm in at least one thread, or about to be again. */
  get ready(): boolean {
    return this.#executionProvider !== '' && this.#closing === undefined && this.#threads.some(({ dead }) => !dead);
  }

  async segment(request: SegmentRequest): Promise<SegmentReply> {
    if (this.#closing !== undefined) return this.#dropped('closed');
    this.#check(request);
    const { promise, resolve, reject } = Promise.withResolvers<SegmentReply>();
    const { sessionId, inputs, deadlineMs } = request;
    const frames = inputs.length;
    const enqueuedMs = this.#nowMs();
    const superseded = this.#scheduler.enqueue({ sessionId, inputs, frames, deadlineMs, enqueuedMs, resolve, reject });
    superseded?.resolve(this.#dropped('superseded'));
    this.#dispatch();
    return promise;
  }

  leave(sessionId: string): void {
    this.#scheduler.leave(sessionId)?.resolve(this.#dropped('closed'));
    this.#observer.queueDepth(this.#scheduler.depth);
  }

  /**
   * Drops what waits, lets running batches finish, ends the threads. Idempotent. Await it before `process.exit()`:
   * onnxruntime-node aborts a process that exits amid a run.
   */
  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#threads.map((thread) => thread.close())).then(() => undefined);
    for (const waiting of this.#scheduler.drain()) waiting.resolve(this.#dropped('closed'));
    return this.#closing;
  }

  /** For `startOrtSegmenter`. */
  async load(): Promise<void> {
    const { executionProvider, passedOver } = await this.#startThread().loaded;
    this.#executionProvider = executionProvider;
    this.#passedOver = passedOver;
    if (executionProvider !== 'cpu') return;
    const others = Array.from({ length: this.#options.inferenceWorkers - 1 }, () => this.#startThread());
    await Promise.all(others.map(({ loaded }) => loaded));
  }

  #startThread(): OrtThread {
    const { model, executionProviders, intraOpThreads, workerEntry } = this.#options;
    const thread = new OrtThread(
      workerEntry ?? ORT_WORKER_ENTRY,
      { file: model.file, manifest: model.manifest, executionProviders, intraOpThreads },
      {
        ready: () => this.#dispatch(),
        crashed: (cause, restarting) => this.#crashed(cause, restarting),
      },
      this.#nowMs,
    );
    this.#threads.push(thread);
    return thread;
  }

  /** One faulty request must not fail the batch it would share with other sessions. */
  #check({ inputs }: SegmentRequest): void {
    if (this.#threads.every(({ dead }) => dead)) {
      throw new AvsacError('inference-failed', 'every inference thread has died and none will come back');
    }
    const most = this.manifest.windowLength;
    if (inputs.length < 1 || inputs.length > most) {
      throw new AvsacError('inference-failed', `a request holds 1 to ${most} frames, this one ${inputs.length}`);
    }
    for (const name of ['image', 'logMel', 'earlier', 'closeUp', 'looks', 'logits'] as const) {
      if (!inputs.every((input) => input[name].buffer instanceof SharedArrayBuffer)) {
        throw new AvsacError('inference-failed', `${name}: must be in shared memory, see allocateModelInput`);
      }
      const wrong = inputs.find((input) => input[name].length !== this.#sizes[name]);
      if (wrong === undefined) continue;
      throw new AvsacError(
        'inference-failed',
        `${name}: expected ${this.#sizes[name]} elements, found ${wrong[name].length}`,
      );
    }
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (!thread.idle) continue;
      const startMs = this.#nowMs();
      const frames = thread.maxBatchFrames;
      const { batch, expired } = this.#scheduler.take(startMs, {
        frames,
        requests: this.manifest.temporal ? 1 : frames,
      });
      for (const waiting of expired) waiting.resolve(this.#dropped('deadline'));
      if (batch.length === 0) break;
      void this.#run(thread, batch, startMs);
    }
    this.#observer.queueDepth(this.#scheduler.depth);
  }

  async #run(thread: OrtThread, batch: readonly Waiting[], startMs: number): Promise<void> {
    const inputs = batch.flatMap((waiting) => waiting.inputs);
    try {
      const inferenceMs = await thread.run(inputs);
      this.#observer.batch(inputs.length, inferenceMs);
      for (const { enqueuedMs, resolve } of batch) {
        resolve({ kind: 'logits', queueMs: startMs - enqueuedMs, inferenceMs, batchSize: inputs.length });
      }
    } catch (error) {
      const failure = asAvsacError(error);
      this.#observer.failed(batch.length, failure);
      for (const { reject } of batch) reject(failure);
    }
  }

  #crashed(cause: Error, restarting: boolean): void {
    this.#observer.threadCrashed(cause, restarting);
    if (this.#threads.some(({ dead }) => !dead)) return;
    const waiting = this.#scheduler.drain();
    if (waiting.length === 0) return;
    const failure = new AvsacError('inference-failed', 'the last inference thread has died', { cause });
    this.#observer.failed(waiting.length, failure);
    for (const { reject } of waiting) reject(failure);
  }

  #dropped(reason: 'superseded' | 'deadline' | 'closed'): SegmentReply {
    this.#observer.dropped(reason);
    return { kind: 'dropped', reason };
  }
}
