/** One worker thread with one ONNX Runtime session, restarted when it dies. */
import { Worker } from 'node:worker_threads';
import { AvsacError } from '../../shared/errors.ts';
import type { OrtWorkerData, OrtWorkerReply, OrtWorkerRequest } from './ort-worker.ts';
import type { ModelInput } from './segmenter.ts';
import { THREAD_LIMITS } from './thread-limits.ts';

export const ORT_WORKER_ENTRY = new URL('./ort-worker.ts', import.meta.url);

/** A thread that died so often within the window is not started again. */
export const MAX_RESTARTS = 3;
export const RESTART_WINDOW_MS = 60_000;

/** What a thread tells its owner. */
export interface OrtThreadListener {
  /** Ready for a batch: after its start, and after each restart. */
  ready(): void;
  /** The thread died; `restarting` is false when it will not come back. */
  crashed(cause: Error, restarting: boolean): void;
}

type Loaded = OrtWorkerReply & { readonly kind: 'ready' };

interface Run {
  resolve(inferenceMs: number): void;
  reject(error: AvsacError): void;
}

export class OrtThread {
  readonly #entry: URL;
  readonly #data: OrtWorkerData;
  readonly #listener: OrtThreadListener;
  readonly #nowMs: () => number;
  readonly #loading = Promise.withResolvers<Loaded>();
  readonly #exited = Promise.withResolvers<void>();
  #crashTimesMs: readonly number[] = [];
  #worker: Worker;
  #run: Run | undefined;
  #state: 'loading' | 'idle' | 'running' | 'dead' = 'loading';
  #maxBatchFrames = 0;
  #closing = false;

  constructor(entry: URL, data: OrtWorkerData, listener: OrtThreadListener, nowMs: () => number) {
    this.#entry = entry;
    this.#data = data;
    this.#listener = listener;
    this.#nowMs = nowMs;
    this.#worker = this.#start();
  }

  /**
   * Settles with the first start: the provider that took the model.
   * @throws AvsacError `provider-unavailable`, `model-manifest-invalid`, `inference-failed`
   */
  get loaded(): Promise<Loaded> {
    return this.#loading.promise;
  }

  /** Most frames of a batch; 0 until it is loaded. */
  get maxBatchFrames(): number {
    return this.#maxBatchFrames;
  }

  get idle(): boolean {
    return this.#state === 'idle';
  }

  get dead(): boolean {
    return this.#state === 'dead';
  }

  /**
   * Runs one batch; only when idle. Logits are in the inputs' memory when it resolves.
   * @returns time of the run, ms.
   * @throws AvsacError `inference-failed`
   */
  run(inputs: readonly ModelInput[]): Promise<number> {
    if (this.#state !== 'idle') throw new Error(`a batch was given to a thread that is ${this.#state}`);
    this.#state = 'running';
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#run = { resolve, reject };
    this.#post({ kind: 'run', inputs });
    return promise;
  }

  /** Ends the thread after the batch it runs. Idempotent. */
  close(): Promise<void> {
    if (!this.#closing && this.#state !== 'dead') this.#post({ kind: 'close' });
    this.#closing = true;
    return this.#exited.promise;
  }

  #post(request: OrtWorkerRequest): void {
    this.#worker.postMessage(request);
  }

  #start(): Worker {
    this.#state = 'loading';
    const worker = new Worker(this.#entry, {
      name: 'inference',
      workerData: this.#data,
      resourceLimits: THREAD_LIMITS,
    });
    let cause: Error | undefined;
    worker.on('message', (reply: OrtWorkerReply) => this.#receive(reply));
    worker.on('error', (error) => {
      cause = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', (code) => this.#exit(cause ?? new Error(`the inference thread ended with exit code ${code}`)));
    return worker;
  }

  #receive(reply: OrtWorkerReply): void {
    switch (reply.kind) {
      case 'ready':
        this.#maxBatchFrames = reply.maxBatchFrames;
        this.#loading.resolve(reply);
        this.#becomeIdle();
        return;
      case 'refused':
        // On a restart the loading promise has settled; the exit that follows is then counted as a crash.
        this.#loading.reject(new AvsacError(reply.code, reply.detail));
        return;
      case 'done':
        this.#run?.resolve(reply.inferenceMs);
        this.#becomeIdle();
        return;
      case 'failed':
        this.#run?.reject(new AvsacError('inference-failed', reply.detail));
        this.#becomeIdle();
    }
  }

  #exit(cause: Error): void {
    this.#run?.reject(new AvsacError('inference-failed', cause.message, { cause }));
    this.#run = undefined;
    this.#state = 'dead';
    if (this.#closing || this.#maxBatchFrames === 0) {
      this.#loading.reject(new AvsacError('inference-failed', cause.message, { cause }));
      this.#exited.resolve();
      return;
    }
    const nowMs = this.#nowMs();
    this.#crashTimesMs = [...this.#crashTimesMs.filter((timeMs) => nowMs - timeMs < RESTART_WINDOW_MS), nowMs];
    const restarting = this.#crashTimesMs.length <= MAX_RESTARTS;
    if (restarting) this.#worker = this.#start();
    else this.#exited.resolve();
    this.#listener.crashed(cause, restarting);
  }

  #becomeIdle(): void {
    this.#run = undefined;
    this.#state = 'idle';
    this.#listener.ready();
  }
}
