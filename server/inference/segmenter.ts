/** Port: the model. Adapters: ort-segmenter.ts (main thread, owns the workers) and port-segmenter.ts (a media worker's way to it). */
import type { ModelManifest } from './manifest.ts';

/** float32 logits [1, K, H, W], or uint8 classes [1, 1, H, W] of a model that decides itself: `output.type` of the manifest. */
export type ModelOutput = Float32Array | Uint8Array;

/** One frame's model input and its answer, in shared memory so that threads pass it without a copy. */
export interface ModelInput {
  /** uint8 NHWC [1, H, W, 3], RGB, SharedArrayBuffer-backed. */
  readonly image: Uint8Array;
  /** float32 [1, 1, frames, bands] log-mel, SharedArrayBuffer-backed. */
  readonly logMel: Float32Array;
  /** uint8 [1, ages, H, W], luminance of the frames before, SharedArrayBuffer-backed; empty when the model sees no motion. */
  readonly earlier: Uint8Array;
  /** uint8 NHWC [1, H, W, 3], the picture in more pixels, SharedArrayBuffer-backed; empty when the model sees no close-ups. */
  readonly closeUp: Uint8Array;
  /** Whether `closeUp` holds this frame's picture, to be looked at. */
  hasCloseUp: boolean;
  /**
   * float32 [1, positions, kinds], what the last close-up looked like, NaN before the first; with `hasCloseUp` the segmenter writes
   * what this one looks like. SharedArrayBuffer-backed; empty when the model sees no close-ups.
   */
  readonly looks: Float32Array;
  /** The model's output, written by the segmenter before it resolves, SharedArrayBuffer-backed. */
  readonly logits: ModelOutput;
}

export interface SegmentRequest {
  readonly sessionId: string;
  /** Frames to run together, oldest first: one, or the whole window for a model that mixes frames. Lent to the segmenter until the reply. */
  readonly inputs: readonly ModelInput[];
  /** `performance.timeOrigin + performance.now()` after which an answer is useless, ms. */
  readonly deadlineMs: number;
}

export type SegmentReply =
  | {
      readonly kind: 'logits';
      /** Time from the request to the start of its batch, ms. */
      readonly queueMs: number;
      /** Time of the batch's run, ms. */
      readonly inferenceMs: number;
      /** Frames in that batch, of all sessions. */
      readonly batchSize: number;
    }
  | { readonly kind: 'dropped'; readonly reason: 'superseded' | 'deadline' | 'closed' };

export interface Segmenter {
  readonly manifest: ModelManifest;
  /** ONNX Runtime's name of the execution provider in use. */
  readonly executionProvider: string;
  /**
   * Newest wins: a session has at most one request waiting; a newer one supersedes it.
   * @throws AvsacError `inference-failed`
   */
  segment(request: SegmentRequest): Promise<SegmentReply>;
  /** Forgets a session: its waiting request is dropped as `closed`. */
  leave(sessionId: string): void;
  close(): Promise<void>;
}
