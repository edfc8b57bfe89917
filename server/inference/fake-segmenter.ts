/** A segmenter for tests: a given function is the model. */
import type { ModelManifest } from './manifest.ts';
import type { Segmenter, SegmentReply, SegmentRequest } from './segmenter.ts';

/** A value completes at once, a promise when the test settles it; throwing fails the request. */
export type FakeAnswer = (request: SegmentRequest) => SegmentReply | Promise<SegmentReply>;

/** The reply of a model that takes no time. */
export const IMMEDIATE_LOGITS = {
  kind: 'logits',
  queueMs: 0,
  inferenceMs: 0,
  batchSize: 1,
} as const satisfies SegmentReply;

export class FakeSegmenter implements Segmenter {
  readonly manifest: ModelManifest;
  readonly executionProvider = 'fake';
  /** In order of arrival. */
  readonly requests: SegmentRequest[] = [];
  /** Sessions that left, in order. */
  readonly left: string[] = [];
  readonly #answer: FakeAnswer;
  #closed = false;

  constructor(manifest: ModelManifest, answer: FakeAnswer) {
    this.manifest = manifest;
    this.#answer = answer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async segment(request: SegmentRequest): Promise<SegmentReply> {
    if (this.#closed) return { kind: 'dropped', reason: 'closed' };
    this.requests.push(request);
    return this.#answer(request);
  }

  leave(sessionId: string): void {
    this.left.push(sessionId);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
