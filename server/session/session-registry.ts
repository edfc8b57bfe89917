/** Every open session, seen from the main thread: admits, places each on a media worker, passes its messages. */
import { randomUUID } from 'node:crypto';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { AvsacError, type ErrorCode } from '../../shared/errors.ts';
import type { ClientMessage, ServerMessage } from '../../shared/signalling.ts';
import type { TelemetryBatch } from '../telemetry/telemetry.ts';
import type { Admission } from './admission.ts';
import type { FromMediaWorker, MediaWorkerData, ToMediaWorker } from './media-worker-messages.ts';
import type { SessionOptions } from './session.ts';

/** The side that a session's messages go to: a WebSocket, or the WHIP resource. */
export interface SessionClient {
  send(message: ServerMessage): void;
  /** The session is over. Called once. */
  ended(reason: string, error: ErrorCode | undefined): void;
}

export interface SessionHandle {
  readonly sessionId: string;
  receive(message: ClientMessage): void;
  close(reason: string): void;
}

/** Where clients get their sessions. */
export interface SessionHost {
  /** @throws AvsacError `server-full`, `server-draining` */
  open(client: SessionClient): SessionHandle;
}

/** What the registry tells its owner. */
export interface RegistryObserver {
  sessions(open: number): void;
  sessionEnded(sessionId: string, reason: string): void;
  telemetry(batch: TelemetryBatch): void;
  failure(sessionId: string | undefined, message: string): void;
}

interface MediaWorker {
  readonly thread: Worker;
  readonly ready: Promise<void>;
  readonly sessionIds: Set<string>;
}

/** A thread that dies as soon as it starts must not keep a core busy with starting it. */
const RESTART_AFTER_MS = 1000;

export class SessionRegistry implements SessionHost {
  readonly #admission: Admission;
  readonly #options: SessionOptions;
  readonly #serveSegmenter: (port: MessagePort) => void;
  readonly #observer: RegistryObserver;
  readonly #workerEntry: URL;
  readonly #workers: MediaWorker[] = [];
  readonly #clients = new Map<string, SessionClient>();
  #onEmpty: (() => void) | undefined;
  #closed = false;

  /** @param serveSegmenter gives a media worker its way to the model through `port`. */
  constructor(
    workerCount: number,
    admission: Admission,
    options: SessionOptions,
    serveSegmenter: (port: MessagePort) => void,
    observer: RegistryObserver,
    workerEntry = new URL('./media-worker.ts', import.meta.url),
  ) {
    this.#admission = admission;
    this.#options = options;
    this.#serveSegmenter = serveSegmenter;
    this.#observer = observer;
    this.#workerEntry = workerEntry;
    for (let i = 0; i < workerCount; i++) this.#workers.push(this.#startWorker());
  }

  /** Resolves when every media worker has loaded its decoder; rejects with the reason when one cannot. */
  async ready(): Promise<void> {
    await Promise.all(this.#workers.map(({ ready }) => ready));
  }

  get size(): number {
    return this.#clients.size;
  }

  open(client: SessionClient): SessionHandle {
    this.#admission.admit(this.#clients.size);
    const sessionId = randomUUID();
    // Between the crash of the only one and its successor.
    if (this.#workers.length === 0) throw new AvsacError('server-starting');
    const worker = this.#workers.reduce((least, next) => (next.sessionIds.size < least.sessionIds.size ? next : least));
    worker.sessionIds.add(sessionId);
    this.#clients.set(sessionId, client);
    this.#observer.sessions(this.#clients.size);
    const post = (message: ToMediaWorker) => worker.thread.postMessage(message);
    post({ type: 'open', sessionId, options: this.#options });
    return {
      sessionId,
      receive: (message) => post({ type: 'message', sessionId, message }),
      close: (reason) => post({ type: 'close', sessionId, reason }),
    };
  }

  /**
   * Refuses new sessions, tells the open ones to go, and waits for them.
   * @param drainMs sessions still open after this are closed.
   */
  async drain(drainMs: number): Promise<void> {
    this.#admission.drain();
    for (const client of this.#clients.values()) client.send({ type: 'bye', reason: 'server-draining' });
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, drainMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends every session and thread. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    // Before the threads end: a thread that ends with sessions counts as crashed.
    for (const sessionId of [...this.#clients.keys()]) this.#end(sessionId, 'server-closed', undefined);
    await Promise.all([...this.#workers].map(({ thread }) => thread.terminate()));
  }

  #startWorker(): MediaWorker {
    const { port1, port2 } = new MessageChannel();
    this.#serveSegmenter(port1);
    const workerData: MediaWorkerData = { segmenterPort: port2 };
    const thread = new Worker(this.#workerEntry, { workerData, transferList: [port2] });
    const sessionIds = new Set<string>();
    const ready = new Promise<void>((resolve, reject) => {
      thread.on('message', (message: FromMediaWorker) => {
        if (message.type === 'ready') resolve();
        else this.#onMessage(message, sessionIds);
      });
      thread.once('error', (error) => {
        this.#observer.failure(undefined, `media worker: ${error instanceof Error ? error.stack : error}`);
        reject(error);
      });
    });
    // The owner awaits `ready` once at the start; a later crash is handled by `exit`.
    ready.catch(() => {});
    const worker = { thread, ready, sessionIds };
    thread.once('exit', () => {
      for (const sessionId of sessionIds) this.#end(sessionId, 'media-worker-crashed', 'internal');
      this.#workers.splice(this.#workers.indexOf(worker), 1);
      if (!this.#closed) setTimeout(() => this.#replaceWorker(), RESTART_AFTER_MS);
    });
    return worker;
  }

  #replaceWorker(): void {
    if (!this.#closed) this.#workers.push(this.#startWorker());
  }

  #onMessage(message: Exclude<FromMediaWorker, { type: 'ready' }>, sessionIds: Set<string>): void {
    switch (message.type) {
      case 'message':
        this.#clients.get(message.sessionId)?.send(message.message);
        return;
      case 'ended':
        sessionIds.delete(message.sessionId);
        this.#end(message.sessionId, message.reason, message.error);
        return;
      case 'telemetry':
        this.#observer.telemetry(message.batch);
        return;
      case 'failure':
        this.#observer.failure(message.sessionId, message.message);
        return;
    }
  }

  #end(sessionId: string, reason: string, error: ErrorCode | undefined): void {
    const client = this.#clients.get(sessionId);
    if (!client) return;
    this.#clients.delete(sessionId);
    this.#observer.sessions(this.#clients.size);
    this.#observer.sessionEnded(sessionId, reason);
    client.ended(reason, error);
    if (this.#clients.size === 0) this.#onEmpty?.();
  }
}
