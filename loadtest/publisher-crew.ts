/** The publishers of a run, spread over threads of their own. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { MaskSample, PublisherCounts } from './mask-sample.ts';
import type { NetworkFaults } from './network-faults.ts';
import type { FromPublisherThread, PublisherThreadData, ToPublisherThread } from './publisher-thread-messages.ts';
import type { StreamRecord } from './stream-record.ts';

/** Streams that a thread carries with most of a core to spare (docs/loadtest.md). */
const STREAMS_PER_THREAD = 16;

interface Noted {
  joinMs: number | undefined;
  ended: StreamRecord['ended'];
  readonly masks: MaskSample[];
  counts: PublisherCounts | undefined;
}

export class PublisherCrew {
  readonly #threads: readonly Worker[];
  readonly #streams: Noted[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #onDecided: (() => void) | undefined;

  /** @param streams that will join, at most. */
  constructor(streams: number, workerData: PublisherThreadData) {
    const count = Math.min(Math.max(1, availableParallelism()), Math.ceil(streams / STREAMS_PER_THREAD));
    this.#failed.promise.catch(() => {});
    this.#threads = Array.from({ length: count }, () => {
      const thread = new Worker(new URL('./publisher-thread.ts', import.meta.url), { name: 'publishers', workerData });
      thread.on('message', (message: FromPublisherThread) => this.#receive(message));
      thread.once('error', (error) => this.#failed.reject(error));
      return thread;
    });
  }

  /** @param phase where in the loop the stream begins, 0..1. */
  join(phase: number): void {
    const stream = this.#streams.length;
    this.#streams.push({ joinMs: undefined, ended: undefined, masks: [], counts: undefined });
    this.#post(this.#threads[stream % this.#threads.length]!, { type: 'join', stream, phase });
  }

  /** Resolves when each stream has been let in or has ended, or after `withinMs`; rejects when a thread fails. */
  async decided(withinMs: number): Promise<void> {
    const undecided = () => this.#streams.some(({ joinMs, ended }) => joinMs === undefined && ended === undefined);
    if (!undecided()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#onDecided = () => undecided() || resolve();
    await Promise.race([promise, this.#failed.promise]);
    clearTimeout(timer);
  }

  /** What the network does to every publisher from now on; they must be relayed. */
  impair(faults: NetworkFaults): void {
    for (const thread of this.#threads) this.#post(thread, { type: 'impair', faults });
  }

  /** Ends all streams and threads. @returns what was noted. */
  async leave(): Promise<StreamRecord[]> {
    const left = this.#threads.map((thread) => new Promise((resolve) => thread.once('exit', resolve)));
    for (const thread of this.#threads) this.#post(thread, { type: 'leave' });
    await Promise.race([Promise.all(left), this.#failed.promise]);
    return this.#streams.map((noted, stream) => ({ stream, kind: 'replay', ...noted }));
  }

  /** Ends the threads, however far they are. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #post(thread: Worker, message: ToPublisherThread): void {
    thread.postMessage(message);
  }

  #receive(message: FromPublisherThread): void {
    switch (message.type) {
      case 'joined':
        this.#streams[message.stream]!.joinMs = message.joinMs;
        break;
      case 'ended':
        this.#streams[message.stream]!.ended = { code: message.code, atMs: message.atMs };
        break;
      case 'masks':
        this.#streams[message.stream]!.masks.push(...message.masks);
        return;
      case 'left':
        for (const [stream, counts] of message.counts) this.#streams[stream]!.counts = counts;
        return;
    }
    this.#onDecided?.();
  }
}
