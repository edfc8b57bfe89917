/** Every open session, seen from the main thread: admits, places each on a media worker, passes its messages. */
import { randomUUID } from 'node:crypto';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { AvsacError, type ErrorCode } from '../../shared/errors.ts';
import type { ClientMessage, Notice, ServerMessage } from '../../shared/signalling.ts';
import { THREAD_LIMITS } from '../inference/thread-limits.ts';
import type { TelemetryBatch } from '../telemetry/telemetry.ts';
import type { Admission } from './admission.ts';
import type { FromMediaWorker, MediaWorkerData, ToMediaWorker } from './media-worker-messages.ts';
import type { SessionOptions, Signalling } from './session.ts';

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
  open(client: SessionClient, signalling: Signalling): SessionHandle;
}

/** Someone who follows a session without being its client. */
export interface SessionWatcher {
  /** One result as a line of JSON (docs/results-feed.md), without its line feed. */
  result(line: string): void;
  notice(notice: Notice): void;
  /** The session is over. Called once, and nothing after it. */
  ended(reason: string): void;
}

export interface SessionSummary {
  readonly sessionId: string;
  readonly signalling: Signalling;
  readonly openedAt: Date;
  readonly watchers: number;
}

/** Where sessions can be followed. */
export interface SessionGallery {
  /** Open sessions, oldest first. */
  list(): readonly SessionSummary[];
  /**
   * Results are made from now on, as long as anybody watches.
   * @returns ends the watching; idempotent.
   * @throws AvsacError `session-unknown`, `feed-full`
   */
  watch(sessionId: string, watcher: SessionWatcher): () => void;
}

/** What the registry tells its owner. */
export interface RegistryObserver {
  sessions(open: number): void;
  sessionOpened(signalling: Signalling): void;
  sessionEnded(sessionId: string, reason: string): void;
  telemetry(batch: TelemetryBatch): void;
  failure(sessionId: string | undefined, message: string): void;
}

interface MediaWorker {
  readonly thread: Worker;
  readonly ready: Promise<void>;
  readonly sessionIds: Set<string>;
}

interface OpenSession {
  readonly client: SessionClient;
  readonly signalling: Signalling;
  readonly openedAt: Date;
  readonly post: (message: ToMediaWorker) => void;
  readonly watchers: Set<SessionWatcher>;
}

/** Each costs the main thread a write for every mask. */
const MAX_WATCHERS = 16;
/** Time that peers are given to be told that they are closed, ms. */
const CLOSE_WITHIN_MS = 1000;

/** A thread that dies as soon as it starts must not keep a core busy with starting it. */
const RESTART_AFTER_MS = 1000;

export class SessionRegistry implements SessionHost, SessionGallery {
  readonly #admission: Admission;
  readonly #options: Omit<SessionOptions, 'signalling'>;
  readonly #serveSegmenter: (port: MessagePort) => void;
  readonly #observer: RegistryObserver;
  readonly #workerEntry: URL;
  readonly #workers: MediaWorker[] = [];
  readonly #sessions = new Map<string, OpenSession>();
  #onEmpty: (() => void) | undefined;
  #closed = false;

  /** @param serveSegmenter gives a media worker its way to the model through `port`. */
  constructor(
    workerCount: number,
    admission: Admission,
    options: Omit<SessionOptions, 'signalling'>,
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
    return this.#sessions.size;
  }

  open(client: SessionClient, signalling: Signalling): SessionHandle {
    this.#admission.admit(this.#sessions.size);
    const sessionId = randomUUID();
    // Between the crash of the only one and its successor.
    if (this.#workers.length === 0) throw new AvsacError('server-starting');
    const worker = this.#workers.reduce((least, next) => (next.sessionIds.size < least.sessionIds.size ? next : least));
    worker.sessionIds.add(sessionId);
    const post = (message: ToMediaWorker) => worker.thread.postMessage(message);
    this.#sessions.set(sessionId, { client, signalling, openedAt: new Date(), post, watchers: new Set() });
    this.#observer.sessions(this.#sessions.size);
    this.#observer.sessionOpened(signalling);
    post({ type: 'open', sessionId, options: { ...this.#options, signalling } });
    return {
      sessionId,
      receive: (message) => post({ type: 'message', sessionId, message }),
      close: (reason) => post({ type: 'close', sessionId, reason }),
    };
  }

  list(): SessionSummary[] {
    return [...this.#sessions].map(([sessionId, { signalling, openedAt, watchers }]) => ({
      sessionId,
      signalling,
      openedAt,
      watchers: watchers.size,
    }));
  }

  watch(sessionId: string, watcher: SessionWatcher): () => void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw new AvsacError('session-unknown');
    const { watchers, post } = session;
    if (watchers.size >= MAX_WATCHERS) throw new AvsacError('feed-full', `${MAX_WATCHERS} listeners`);
    watchers.add(watcher);
    if (watchers.size === 1) post({ type: 'watched', sessionId, watched: true });
    return () => {
      if (watchers.delete(watcher) && watchers.size === 0) post({ type: 'watched', sessionId, watched: false });
    };
  }

  /**
   * Refuses new sessions, tells the open ones to go, and waits for them.
   * @param drainMs sessions still open after this are closed.
   */
  async drain(drainMs: number): Promise<void> {
    this.#admission.drain();
    for (const { client } of this.#sessions.values()) client.send({ type: 'bye', reason: 'server-draining' });
    await this.#empty(drainMs);
  }

  /** Ends every session and thread. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    // A peer that is told needs not wait for its consent to expire (RFC 9725 §4.2, RFC 7675 §5.2).
    for (const [sessionId, { post }] of this.#sessions) post({ type: 'close', sessionId, reason: 'server-closed' });
    await this.#empty(CLOSE_WITHIN_MS);
    // Before the threads end: a thread that ends with sessions counts as crashed.
    for (const sessionId of [...this.#sessions.keys()]) this.#end(sessionId, 'server-closed', undefined);
    await Promise.all(this.#workers.map(leave));
  }

  /** Resolves when the last session has ended, or after `withinMs`. */
  async #empty(withinMs: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #startWorker(): MediaWorker {
    const { port1, port2 } = new MessageChannel();
    this.#serveSegmenter(port1);
    const workerData: MediaWorkerData = { segmenterPort: port2 };
    const thread = new Worker(this.#workerEntry, {
      name: 'media',
      workerData,
      transferList: [port2],
      resourceLimits: THREAD_LIMITS,
    });
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
      thread.once('exit', (code) => reject(new Error(`the media worker ended with exit code ${code}`)));
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
        this.#deliver(message.sessionId, message.message);
        return;
      case 'result':
        for (const watcher of this.#sessions.get(message.sessionId)?.watchers ?? []) watcher.result(message.line);
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

  #deliver(sessionId: string, message: ServerMessage): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    session.client.send(message);
    if (message.type === 'notice') for (const watcher of session.watchers) watcher.notice(message);
  }

  #end(sessionId: string, reason: string, error: ErrorCode | undefined): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#sessions.delete(sessionId);
    this.#observer.sessions(this.#sessions.size);
    this.#observer.sessionEnded(sessionId, reason);
    session.client.ended(reason, error);
    for (const watcher of session.watchers) watcher.ended(reason);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }
}

/** Lets a worker end itself, once it has loaded: what is terminated amid a call of a native addon aborts the process. */
async function leave({ thread }: MediaWorker): Promise<void> {
  const exit: ToMediaWorker = { type: 'exit' };
  thread.postMessage(exit);
  await new Promise((resolve) => thread.once('exit', resolve));
}
