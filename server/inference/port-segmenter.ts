/** The segmenter of another thread, over a MessagePort: frames stay in shared memory, only requests and replies cross. */
import type { MessagePort } from 'node:worker_threads';
import { AvsacError, asAvsacError, type ErrorCode } from '../../shared/errors.ts';
import type { ModelManifest } from './manifest.ts';
import type { Segmenter, SegmentReply, SegmentRequest } from './segmenter.ts';

type ToServer =
  | { readonly kind: 'segment'; readonly id: number; readonly request: SegmentRequest }
  | { readonly kind: 'leave'; readonly sessionId: string };

/** The first message to the client. */
interface Hello {
  readonly manifest: ModelManifest;
  readonly executionProvider: string;
}

type ToClient =
  | { readonly kind: 'reply'; readonly id: number; readonly reply: SegmentReply }
  | { readonly kind: 'failed'; readonly id: number; readonly code: ErrorCode; readonly detail: string | undefined };

/** Answers the requests of a port with `segmenter`. When the port closes, the sessions that used it leave the segmenter. */
export function serveSegmenter(segmenter: Segmenter, port: MessagePort): void {
  const sessions = new Set<string>();
  const post = (message: Hello | ToClient): void => port.postMessage(message);
  port.on('message', async (message: ToServer) => {
    if (message.kind === 'leave') {
      sessions.delete(message.sessionId);
      segmenter.leave(message.sessionId);
      return;
    }
    const { id, request } = message;
    sessions.add(request.sessionId);
    try {
      post({ kind: 'reply', id, reply: await segmenter.segment(request) });
    } catch (error) {
      const { code, detail } = asAvsacError(error);
      post({ kind: 'failed', id, code, detail });
    }
  });
  port.on('close', () => {
    for (const sessionId of sessions) segmenter.leave(sessionId);
  });
  post({ manifest: segmenter.manifest, executionProvider: segmenter.executionProvider });
}

/**
 * Waits for the other side's `serveSegmenter`.
 * @throws AvsacError `inference-failed` when the port closes first.
 */
export function connectSegmenter(port: MessagePort): Promise<Segmenter> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new AvsacError('inference-failed', 'the port to the segmenter closed'));
    port.once('close', closed);
    port.once('message', ({ manifest, executionProvider }: Hello) => {
      port.off('close', closed);
      resolve(new PortSegmenter(port, manifest, executionProvider));
    });
  });
}

interface Pending {
  resolve(reply: SegmentReply): void;
  reject(error: AvsacError): void;
}

class PortSegmenter implements Segmenter {
  readonly manifest: ModelManifest;
  readonly executionProvider: string;
  readonly #port: MessagePort;
  /** Bounded by the other side: a session's newer request supersedes the one waiting. */
  readonly #pending = new Map<number, Pending>();
  readonly #closed = Promise.withResolvers<void>();
  #nextId = 0;
  #isClosed = false;

  constructor(port: MessagePort, manifest: ModelManifest, executionProvider: string) {
    this.manifest = manifest;
    this.executionProvider = executionProvider;
    this.#port = port;
    port.on('message', (message: ToClient) => this.#receive(message));
    port.on('close', () => this.#end());
  }

  async segment(request: SegmentRequest): Promise<SegmentReply> {
    if (this.#isClosed) return { kind: 'dropped', reason: 'closed' };
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<SegmentReply>();
    this.#pending.set(id, { resolve, reject });
    this.#post({ kind: 'segment', id, request });
    return promise;
  }

  leave(sessionId: string): void {
    if (!this.#isClosed) this.#post({ kind: 'leave', sessionId });
  }

  /** Closes the port: what waits is dropped as `closed`. The segmenter behind it goes on. */
  close(): Promise<void> {
    this.#port.close();
    return this.#closed.promise;
  }

  #post(message: ToServer): void {
    this.#port.postMessage(message);
  }

  #receive(message: ToClient): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === 'reply') pending?.resolve(message.reply);
    else pending?.reject(new AvsacError(message.code, message.detail));
  }

  #end(): void {
    this.#isClosed = true;
    for (const { resolve } of this.#pending.values()) resolve({ kind: 'dropped', reason: 'closed' });
    this.#pending.clear();
    this.#closed.resolve();
  }
}
