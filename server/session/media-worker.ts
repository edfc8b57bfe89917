/** Thread entry: hosts the sessions placed on it and wires their adapters. */
import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import type { ErrorCode } from '../../shared/errors.ts';
import { connectSegmenter } from '../inference/port-segmenter.ts';
import { loadDecoderFactory } from '../media/node-av-decoder.ts';
import { createWeriftPeer } from '../peer/werift-peer.ts';
import { MeanTurnaround } from '../pipeline/mean-turnaround.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import type { FromMediaWorker, MediaWorkerData, ToMediaWorker } from './media-worker-messages.ts';
import { Session, type SessionOptions, type SessionParts } from './session.ts';

const TELEMETRY_INTERVAL_MS = 1000;
const LAG_INTERVAL_MS = 100;

const parent = parentPort!;
const post = (message: FromMediaWorker) => parent.postMessage(message);
const { segmenterPort } = workerData as MediaWorkerData;

const telemetry = new TelemetryCollector();
const parts: SessionParts = {
  createPeer: createWeriftPeer,
  decoders: await loadDecoderFactory(),
  segmenter: await connectSegmenter(segmenterPort),
  turnarounds: new MeanTurnaround(),
  telemetry,
};
const sessions = new Map<string, Session>();

const report = (sessionId: string | undefined, error: unknown) =>
  post({ type: 'failure', sessionId, message: inspect(error) });

/** A library's stray rejection belongs to one client's connection; the others must not pay for it. */
process.on('unhandledRejection', (error) => report(undefined, error));

function open(sessionId: string, options: SessionOptions): void {
  const ended = (reason: string, error: ErrorCode | undefined) => {
    sessions.delete(sessionId);
    post({ type: 'ended', sessionId, reason, error });
  };
  try {
    const session = new Session(sessionId, options, parts, {
      send: (reply) => post({ type: 'message', sessionId, message: reply }),
      result: (line) => post({ type: 'result', sessionId, line }),
      failure: (error) => report(sessionId, error),
      ended,
    });
    sessions.set(sessionId, session);
  } catch (error) {
    report(sessionId, error);
    ended('session-failed', 'internal');
  }
}

parent.on('message', (message: ToMediaWorker) => {
  if (message.type === 'exit') process.exit();
  if (message.type === 'open') return open(message.sessionId, message.options);
  const session = sessions.get(message.sessionId);
  if (message.type === 'close') return void session?.close(message.reason);
  if (message.type === 'watched') return session?.watch(message.watched);
  try {
    session?.receive(message.message);
  } catch (error) {
    report(message.sessionId, error);
    void session?.close('session-failed', 'internal');
  }
});

setInterval(() => post({ type: 'telemetry', batch: telemetry.take() }), TELEMETRY_INTERVAL_MS);
let expectedMs = performance.now() + LAG_INTERVAL_MS;
setInterval(() => {
  const nowMs = performance.now();
  telemetry.observe('event-loop-lag', Math.max(0, nowMs - expectedMs));
  expectedMs = nowMs + LAG_INTERVAL_MS;
}, LAG_INTERVAL_MS);

post({ type: 'ready' });
