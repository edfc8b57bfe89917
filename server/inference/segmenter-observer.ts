/** What the segmenter counts; telemetry implements it. */

export interface SegmenterObserver {
  /** A batch was run: its frames, of all sessions, and the time of its run, ms. */
  batch(frames: number, inferenceMs: number): void;
  /** A request was answered without being run. */
  dropped(reason: 'superseded' | 'deadline' | 'closed'): void;
  /** A batch of so many requests failed. */
  failed(requests: number, error: Error): void;
  /** Requests waiting, after each change. */
  queueDepth(requests: number): void;
  /** An inference thread died; `restarting` is false when it will not come back. */
  threadCrashed(cause: Error, restarting: boolean): void;
}
