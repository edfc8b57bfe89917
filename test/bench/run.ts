/** `npm run bench`: what the server costs beside its model, as ratios taken in one run so that the machine's speed cancels. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readModel } from '../../server/inference/manifest.ts';
import { startOrtSegmenter } from '../../server/inference/ort-segmenter.ts';
import { DEFAULT_MODEL } from '../../server/inference/shipped-models.ts';
import { startServerProcess } from '../fixtures/server-process.ts';
import type { BareLoopFigures } from './bare-loop.ts';
import type { StreamFigures, StreamLoad } from './streams.ts';
import { windowCost } from './window-cost.ts';

const ROUNDS = 5;
const DURATION_MS = 8_000;
const WINDOW_ROUNDS = 30;
/** Sessions that keep one core's model busy: while one's answer travels, the other's window runs. */
const SATURATING_STREAMS = 2;
/** Linux's unit of process times (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

const model = await readModel(DEFAULT_MODEL);

/** Runs a module's part of the benchmark in a process of its own, on one core. */
async function onCore<T>(
  core: number,
  module: string,
  argument: unknown,
  passed: (line: string) => void = () => {},
): Promise<T> {
  const path = fileURLToPath(new URL(module, import.meta.url));
  const child = spawn('taskset', ['-c', String(core), process.execPath, path, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  createInterface(child.stdout).on('line', (line) => {
    passed(line);
    last = line;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${module} ended with ${code}`);
  return JSON.parse(last) as T;
}

async function pin({ pid }: ChildProcess, core: number): Promise<void> {
  await once(spawn('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' }), 'close');
}

function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const ms = (value: number) => `${value.toFixed(1)} ms`;

/** The server and the bare model each have core 0 to themselves, in turn; the publishers run on core 1. */
async function throughput() {
  const ratios: number[] = [];
  let served = 0;
  let bare = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await onCore<BareLoopFigures>(0, './bare-loop-process.ts', { durationMs: DURATION_MS });
    const server = await startServerProcess([
      '--inference-workers',
      '1',
      '--mask-rate-hz',
      '30',
      '--log-level',
      'silent',
    ]);
    await pin(server.process, 0);
    const load: StreamLoad = {
      url: server.webSocketUrl,
      streams: SATURATING_STREAMS,
      durationMs: DURATION_MS,
      sound: 'always',
    };
    const { masksPerSecond } = await onCore<StreamFigures>(1, './streams.ts', load);
    await server.stop();
    served = masksPerSecond;
    bare = alone.masksPerSecond;
    ratios.push(served / bare);
  }
  return {
    ratio: median(ratios),
    detail: `${served.toFixed(1)} of ${bare.toFixed(1)} masks/s in the last of ${ROUNDS} rounds`,
  };
}

/** A stream for which the model does not run. */
async function streamCost(sound: 'silence' | 'none', flags: readonly string[] = []) {
  const server = await startServerProcess(['--log-level', 'silent', ...flags]);
  const startSeconds = cpuSeconds(server.process);
  await new Promise((resolve) => setTimeout(resolve, DURATION_MS));
  const idle = (cpuSeconds(server.process) - startSeconds) / (DURATION_MS / 1000);
  const seen = new Map<string, number>();
  const load: StreamLoad = { url: server.webSocketUrl, streams: 1, durationMs: DURATION_MS, sound };
  await onCore<StreamFigures>(1, './streams.ts', load, (line) => seen.set(line, cpuSeconds(server.process)));
  const busy = (seen.get('measured')! - seen.get('settled')!) / (DURATION_MS / 1000);
  await server.stop();
  return { cores: busy - idle, detail: `${busy.toFixed(3)} core with it, ${idle.toFixed(3)} without` };
}

async function latency() {
  const server = await startServerProcess(['--log-level', 'silent']);
  const load: StreamLoad = { url: server.webSocketUrl, streams: 1, durationMs: 2 * DURATION_MS, sound: 'always' };
  const { frameToMaskP95Ms, inferenceP50Ms } = await onCore<StreamFigures>(1, './streams.ts', load);
  await server.stop();
  return {
    extraMs: frameToMaskP95Ms - inferenceP50Ms,
    detail: `p95 ${ms(frameToMaskP95Ms)} from the frame's last packet to its mask, model p50 ${ms(inferenceP50Ms)}`,
  };
}

async function slidingCost() {
  const segmenter = await startOrtSegmenter({
    model,
    executionProviders: ['cpu'],
    inferenceWorkers: 1,
    intraOpThreads: 1,
    observer: { batch() {}, dropped() {}, failed() {}, queueDepth() {}, threadCrashed() {} },
  });
  const { ratio, slidingMs, wholeWindowMs } = await windowCost(segmenter, WINDOW_ROUNDS);
  await segmenter.close();
  return { ratio, detail: `${ms(slidingMs)} against ${ms(wholeWindowMs)}` };
}

function line(name: string, value: string, bound: string, detail: string): void {
  process.stdout.write(`${name.padEnd(44)} ${value.padStart(9)}  (${bound})  ${detail}\n`);
}

const sliding = await slidingCost();
line('sliding window / whole window', sliding.ratio.toFixed(3), 'at most 0.25', sliding.detail);
const served = await throughput();
line('server masks/s / bare model loop', served.ratio.toFixed(3), 'at least 0.8, goal 0.9', served.detail);
// At two masks a second little else is done than receiving and decoding.
const stream = await streamCost('none', ['--mask-rate-hz', '2']);
line('decode + RTP of one 480p30 VP8 stream', `${stream.cores.toFixed(3)} core`, 'at most 0.07', stream.detail);
const silent = await streamCost('silence');
line('a silent stream, ten dark masks a second', `${silent.cores.toFixed(3)} core`, 'no aim', silent.detail);
const wait = await latency();
line('frame to mask p95 - model p50, one stream', ms(wait.extraMs), 'at most 50 ms', wait.detail);
