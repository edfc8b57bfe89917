/** What the main thread and a media worker say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../../shared/errors.ts';
import type { ClientMessage, ServerMessage } from '../../shared/signalling.ts';
import type { TelemetryBatch } from '../telemetry/telemetry.ts';
import type { SessionOptions } from './session.ts';

/** Given to a media worker when it starts; `segmenterPort` is transferred. */
export interface MediaWorkerData {
  readonly segmenterPort: MessagePort;
}

export type ToMediaWorker =
  | { readonly type: 'open'; readonly sessionId: string; readonly options: SessionOptions }
  | { readonly type: 'message'; readonly sessionId: string; readonly message: ClientMessage }
  | { readonly type: 'watched'; readonly sessionId: string; readonly watched: boolean }
  | { readonly type: 'close'; readonly sessionId: string; readonly reason: string }
  | { readonly type: 'exit' };

export type FromMediaWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'message'; readonly sessionId: string; readonly message: ServerMessage }
  | { readonly type: 'result'; readonly sessionId: string; readonly line: string }
  | {
      readonly type: 'ended';
      readonly sessionId: string;
      readonly reason: string;
      readonly error: ErrorCode | undefined;
    }
  | { readonly type: 'telemetry'; readonly batch: TelemetryBatch }
  | { readonly type: 'failure'; readonly sessionId: string | undefined; readonly message: string };
