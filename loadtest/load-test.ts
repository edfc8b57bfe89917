/** A whole load test: media, server, run, report. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { MOST_STREAMS } from './capacity.ts';
import { findCapacity } from './capacity-trials.ts';
import { openMediaLoop } from './media-cache.ts';
import { OBJECTIVE } from './objective.ts';
import type { Profile } from './profile.ts';
import { REPORT_VERSION, type Report } from './report.ts';
import { type RunFaults, type RunOptions, type RunProgress, runLoad, type Target } from './run.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** New streams cost more than running ones. */
const RAMP_MS_PER_STREAM = 250;

const CLOCKS =
  'Latencies are differences on the publisher’s own monotonic clock (performance.timeOrigin + performance.now() of its thread): ' +
  'from the time a frame was due to be sent until its mask was taken from the data channel. Stages are durations on the ' +
  'server’s monotonic clock, as each mask carries them. CPU times are the kernel’s (/proc).';

export interface LoadTestOptions extends Pick<RunOptions, 'chromium' | 'libwebrtc' | 'durationMs' | 'faults'> {
  /** How many, or as many as the server carries. */
  readonly streams: number | 'capacity';
  /** Over which the streams join, ms; undefined: a quarter second each. */
  readonly rampMs: number | undefined;
  /** Undefined: a server of its own, for the time of the test. */
  readonly url: string | undefined;
  readonly token: string | undefined;
  /** For a server of its own. */
  readonly serverFlags: readonly string[];
  readonly profile: Profile;
  /** Keeps the media from one test to the next. */
  readonly cacheFolder: string;
}

/** @throws Error when there is no server, or the time is too short to find a capacity. */
export async function runLoadTest(options: LoadTestOptions, progress: RunProgress): Promise<Report> {
  const { loopMs } = options.profile;
  if (options.streams === 'capacity' && options.durationMs < loopMs) {
    throw new Error(
      `A capacity needs the whole scene to compare IoU; measure ${loopMs / 1000} s or more (--duration).`,
    );
  }
  const loop = await openMediaLoop(options.profile, options.cacheFolder, (done, total) =>
    progress(done / total, `rendering the ${options.profile.name} scene, once`),
  );
  const { streams, chromium, libwebrtc, durationMs, faults } = options;
  if (options.url === undefined) progress(0, 'starting a server');
  const own = options.url === undefined ? await startServerProcess(ownFlags(options)) : undefined;
  try {
    const target = targetOf(options, own);
    const model = await readModel(target);
    const load = (count: number, told: RunProgress) => {
      const rampMs = options.rampMs ?? count * RAMP_MS_PER_STREAM;
      return runLoad(
        target,
        { streams: count, chromium, libwebrtc, rampMs, durationMs, loop, objective: OBJECTIVE, faults },
        told,
      );
    };
    const result = streams === 'capacity' ? await findCapacity(load, progress) : { run: await load(streams, progress) };
    return {
      version: REPORT_VERSION,
      createdAt: new Date().toISOString(),
      machine: {
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: availableParallelism(),
        memoryBytes: totalmem(),
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
      },
      clocks: CLOCKS,
      options: describe(options),
      model,
      slo: { ...OBJECTIVE },
      ...result,
    };
  } finally {
    await own?.stop();
  }
}

/** A server that is asked for its capacity must not refuse before it is reached. */
function ownFlags({ streams, serverFlags }: LoadTestOptions): readonly string[] {
  const unlimited = streams === 'capacity' && !serverFlags.includes('--max-sessions');
  return unlimited ? [...serverFlags, '--max-sessions', String(MOST_STREAMS)] : serverFlags;
}

function targetOf({ url, token }: LoadTestOptions, own: ServerProcess | undefined): Target {
  return { url: own?.url ?? url!, token, pid: own?.pid };
}

/** @throws Error when no server is there, or it is not ready. */
async function readModel({ url }: Target): Promise<Report['model']> {
  const ready = await fetch(new URL('readyz', url)).catch(() => undefined);
  if (ready === undefined) throw new Error(`No server answers at ${url}; start one, or leave out --url.`);
  const { status, model } = (await ready.json()) as { readonly status?: string; readonly model?: Report['model'] };
  if (model === undefined) throw new Error(`The server at ${url} is not ready (${status}); try again when it is.`);
  return { name: model.name, version: model.version, executionProvider: model.executionProvider };
}

function describe({ profile, url, serverFlags, durationMs, faults }: LoadTestOptions): Report['options'] {
  return {
    profile: profile.name,
    ...(url !== undefined && { url }),
    serverFlags: [...serverFlags],
    durationS: durationMs / 1000,
    ...(faults && { faults: describeFaults(faults) }),
  };
}

function describeFaults({ loss, delayMs, jitterMs, blackout }: RunFaults): NonNullable<Report['options']['faults']> {
  const dark = blackout && { atS: blackout.atMs / 1000, forS: blackout.forMs / 1000 };
  return { loss, delayMs, jitterMs, ...(dark !== undefined && { blackout: dark }) };
}
