/** Everything noted of one stream of a run. */
import type { MaskSample, PublisherCounts } from './mask-sample.ts';

/** Replayed through werift, a real browser, or real libwebrtc. */
export type PublisherKind = 'replay' | 'chromium' | 'libwebrtc';

export interface StreamRecord {
  readonly stream: number;
  readonly kind: PublisherKind;
  /** From the first packet to the server until media flowed; undefined when it never did. */
  readonly joinMs: number | undefined;
  /** The server ended it, or never let it in. */
  readonly ended: { readonly code: string; readonly atMs: number } | undefined;
  /** In order of arrival. */
  readonly masks: readonly MaskSample[];
  readonly counts: PublisherCounts | undefined;
}
