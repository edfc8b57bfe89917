/** Thread entry: hosts publishers, and is their clock. */
import { parentPort, workerData } from 'node:worker_threads';
import type { MaskSample } from './mask-sample.ts';
import { nowMs, Publisher } from './publisher.ts';
import type { FromPublisherThread, PublisherThreadData, ToPublisherThread } from './publisher-thread-messages.ts';
import { Truth } from './truth.ts';

/** How late media may be sent by waiting for the next tick, ms. */
const TICK_MS = 5;
const REPORT_MS = 1000;

const parent = parentPort!;
const { url, token, loop, relayed } = workerData as PublisherThreadData;
const truth = new Truth(loop.truth);
const publishers = new Map<number, Publisher>();
const masks = new Map<number, MaskSample[]>();

const post = (message: FromPublisherThread) => parent.postMessage(message);

function join(stream: number, phase: number): void {
  const noted: MaskSample[] = [];
  masks.set(stream, noted);
  const publisher = new Publisher(
    { url, token, loop, truth, phase, relayed },
    {
      joined: (joinMs) => post({ type: 'joined', stream, joinMs }),
      mask: (sample) => noted.push(sample),
      ended: (code) => post({ type: 'ended', stream, code, atMs: nowMs() }),
    },
  );
  publishers.set(stream, publisher);
}

function report(): void {
  for (const [stream, noted] of masks) {
    if (noted.length > 0) post({ type: 'masks', stream, masks: noted.splice(0) });
  }
}

async function leave(): Promise<void> {
  clearInterval(ticking);
  clearInterval(reporting);
  report();
  const counts = new Map([...publishers].map(([stream, publisher]) => [stream, publisher.counts]));
  await Promise.all([...publishers.values()].map((publisher) => publisher.close()));
  post({ type: 'left', counts });
  // Sockets of libraries must not keep the thread.
  process.exit();
}

// One connection's stray rejection must not end the others.
process.on('unhandledRejection', () => {});
const ticking = setInterval(() => {
  const timeMs = nowMs();
  for (const publisher of publishers.values()) publisher.advance(timeMs);
}, TICK_MS);
const reporting = setInterval(report, REPORT_MS);
parent.on('message', (message: ToPublisherThread) => {
  if (message.type === 'join') return join(message.stream, message.phase);
  if (message.type === 'leave') return void leave();
  for (const publisher of publishers.values()) publisher.impair(message.faults);
});
