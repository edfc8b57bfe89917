/** A run made up for tests: streams that get masks at a steady rate, from a server with two readings a second apart. */
import { Exposition } from './exposition.ts';
import type { MaskSample } from './mask-sample.ts';
import type { Report, RunFigures } from './report.ts';
import { REPORT_VERSION } from './report.ts';
import type { RunRecord } from './run-figures.ts';
import type { ServerReading } from './server-watch.ts';
import type { StreamRecord } from './stream-record.ts';

const FRAME_RATE_HZ = 30;
const LOOP_MS = 2000;
const LOOP_FRAMES = (LOOP_MS * FRAME_RATE_HZ) / 1000;
export const START_MS = 1_000_000;

export interface ExampleStream {
  readonly masksPerSecond: number;
  /** Of the mask with this number, ms. */
  readonly latencyMs: (index: number) => number;
  readonly iou?: number;
  readonly ended?: StreamRecord['ended'];
  readonly refused?: boolean;
}

export interface ExampleRun {
  readonly durationMs: number;
  readonly streams: readonly ExampleStream[];
  /** Cores in use, by thread. */
  readonly cores?: Readonly<Record<string, number>>;
  /** 0..1 */
  readonly machineBusy?: number;
  readonly blackoutEndMs?: number;
}

const noStages = { decode: 1, pair: 2, queue: 3, inference: 4, encode: 0 };

/** The loop is 2 s; something sounds from 0.5 s to 1 s. Every stream begins it at `START_MS`. */
export function exampleRecord({
  durationMs,
  streams,
  cores = {},
  machineBusy = 0.5,
  blackoutEndMs,
}: ExampleRun): RunRecord {
  return {
    startMs: START_MS,
    endMs: START_MS + durationMs,
    loopMs: LOOP_MS,
    onsets: [{ startMs: 500, endMs: 1000 }],
    streams: streams.map((stream, index) => streamRecord(stream, index, durationMs)),
    readings: Array.from({ length: durationMs / 1000 + 1 }, (_, second) => reading(second, cores, machineBusy)),
    threads: { main: 1, media: 1, inference: 2 },
    cores: 4,
    memoryBytes: 8 * 2 ** 30,
    blackoutEndMs,
  };
}

function streamRecord(example: ExampleStream, stream: number, durationMs: number): StreamRecord {
  const { masksPerSecond, latencyMs, iou = 0.8, ended, refused = false } = example;
  const masks = Array.from(
    { length: refused ? 0 : Math.floor((durationMs * masksPerSecond) / 1000) },
    (_, index): MaskSample => {
      const frame = Math.round((index * FRAME_RATE_HZ) / masksPerSecond);
      const loopMs = ((frame % LOOP_FRAMES) * 1000) / FRAME_RATE_HZ;
      const captureMs = START_MS + (frame * 1000) / FRAME_RATE_HZ;
      const sounds = loopMs >= 500 && loopMs < 1000;
      return {
        captureMs,
        arrivalMs: captureMs + latencyMs(index),
        loopMs,
        iou: sounds ? iou : undefined,
        gated: !sounds,
        stagesMs: noStages,
      };
    },
  );
  return { stream, kind: 'replay', joinMs: refused ? undefined : 200, ended, masks, counts: undefined };
}

function reading(second: number, cores: Readonly<Record<string, number>>, machineBusy: number): ServerReading {
  const bucket = (le: string) => `avsac_event_loop_lag_seconds_bucket{le="${le}"} ${10 * second}`;
  return {
    atMs: START_MS + 1000 * second,
    metrics: new Exposition(`avsac_drops_total{reason="superseded"} ${3 * second}
avsac_batch_frames_sum ${20 * second}
avsac_batch_frames_count ${10 * second}
avsac_batch_seconds_sum ${0.5 * second}
avsac_batch_seconds_count ${10 * second}
${bucket('0.001')}
${bucket('+Inf')}
avsac_event_loop_lag_seconds_sum 0
avsac_event_loop_lag_seconds_count ${10 * second}
avsac_segment_queue ${second % 2}
`),
    serverCpuS: Object.fromEntries(Object.entries(cores).map(([name, inUse]) => [name, inUse * second])),
    residentBytes: 300 * 2 ** 20,
    ownCpuS: 0.1 * second,
    machine: { busyMs: 4000 * machineBusy * second, totalMs: 4000 * second },
  };
}

export function exampleReport(run: RunFigures): Report {
  return {
    version: REPORT_VERSION,
    createdAt: '2026-01-01T00:00:00.000Z',
    machine: { cpu: 'a CPU', cores: 4, memoryBytes: 8 * 2 ** 30, node: 'v24.0.0', platform: 'linux x64' },
    clocks: 'made up',
    options: { profile: 'call', serverFlags: [], durationS: run.measuredS },
    model: { name: 'model', version: '1', executionProvider: 'cpu' },
    slo: { masksPerSecond: 5, frameToMaskP95Ms: 300, iouLoss: 0.02 },
    run,
  };
}
