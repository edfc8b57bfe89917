/** What the main thread and a thread of publishers say to each other. */
import type { MaskSample, PublisherCounts } from './mask-sample.ts';
import type { MediaLoop } from './media-loop.ts';
import type { NetworkFaults } from './network-faults.ts';

export interface PublisherThreadData {
  /** Of the signalling WebSocket. */
  readonly url: string;
  readonly token: string | undefined;
  readonly loop: MediaLoop;
  readonly relayed: boolean;
}

export type ToPublisherThread =
  | { readonly type: 'join'; readonly stream: number; readonly phase: number }
  | { readonly type: 'impair'; readonly faults: NetworkFaults }
  /** Everybody, then the thread ends. */
  | { readonly type: 'leave' };

export type FromPublisherThread =
  | { readonly type: 'joined'; readonly stream: number; readonly joinMs: number }
  | { readonly type: 'ended'; readonly stream: number; readonly code: string; readonly atMs: number }
  /** Once a second. */
  | { readonly type: 'masks'; readonly stream: number; readonly masks: readonly MaskSample[] }
  | { readonly type: 'left'; readonly counts: ReadonlyMap<number, PublisherCounts> };
