/** Who runs next: newest request of each session, fair rotation, bounded batches. No threads, no clock of its own. */

export interface Schedulable {
  readonly sessionId: string;
  /** Frames of this request; they always run together. */
  readonly frames: number;
  /** After this it is not worth running, ms on the clock that `take` is given. */
  readonly deadlineMs: number;
}

/** Of one batch. */
export interface BatchLimits {
  /** Most frames, at least 1. A request of more frames runs alone. */
  readonly frames: number;
  /** Most requests, at least 1; 1 for a model that mixes the frames it is given. */
  readonly requests: number;
}

/**
 * At most one request of a session waits, so the queue is bounded by the number of sessions. A session keeps its place
 * when a newer request takes the older one's, and goes to the end when it has been served: with S sessions waiting,
 * each is served within S requests.
 */
export class Scheduler<T extends Schedulable> {
  /** In order of service: a Map keeps the place of a key whose value is replaced. */
  readonly #waiting = new Map<string, T>();

  /** Sessions with a request waiting. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** @returns the request of the same session that this one supersedes. */
  enqueue(request: T): T | undefined {
    const superseded = this.#waiting.get(request.sessionId);
    this.#waiting.set(request.sessionId, request);
    return superseded;
  }

  /** Forgets a session. @returns its waiting request. */
  leave(sessionId: string): T | undefined {
    const request = this.#waiting.get(sessionId);
    this.#waiting.delete(sessionId);
    return request;
  }

  /**
   * Takes the next batch out of the queue, in order of service, never splitting a request.
   * @param nowMs time on the clock of the deadlines.
   * @returns `batch` to run together, and `expired`: requests found past their deadline on the way.
   */
  take(nowMs: number, limits: BatchLimits): { batch: T[]; expired: T[] } {
    const batch: T[] = [];
    const expired: T[] = [];
    let frames = 0;
    for (const [sessionId, request] of this.#waiting) {
      if (nowMs > request.deadlineMs) {
        expired.push(request);
      } else {
        const full = batch.length === limits.requests || frames + request.frames > limits.frames;
        // Stopping at the first that does not fit, instead of looking for a smaller one, keeps large requests from starving.
        if (full && batch.length > 0) break;
        batch.push(request);
        frames += request.frames;
      }
      this.#waiting.delete(sessionId);
    }
    return { batch, expired };
  }

  /** Takes every waiting request out of the queue. */
  drain(): T[] {
    const requests = [...this.#waiting.values()];
    this.#waiting.clear();
    return requests;
  }
}
