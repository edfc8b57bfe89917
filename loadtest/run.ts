/** One run: streams join, settle, are measured, and leave. */
import { availableParallelism, totalmem } from 'node:os';
import { ChromiumCrew } from './chromium-crew.ts';
import { LibwebrtcCrew } from './libwebrtc-crew.ts';
import type { MediaLoop } from './media-loop.ts';
import type { NetworkFaults } from './network-faults.ts';
import type { Objective } from './objective.ts';
import { nowMs } from './publisher.ts';
import { PublisherCrew } from './publisher-crew.ts';
import type { RunFigures } from './report.ts';
import { figuresOf } from './run-figures.ts';
import { ServerWatch } from './server-watch.ts';

/** Longest that joining may take after the ramp, ms. */
const JOIN_WITHIN_MS = 30_000;
/** After the last has joined: mask rates find their level, ms. */
const SETTLE_MS = 5000;
/** Masks of the last frames may come, ms. */
const LAST_MASKS_MS = 1000;

export interface Target {
  /** Of the server's page. */
  readonly url: string;
  readonly token: string | undefined;
  /** Of a server on this machine. */
  readonly pid: number | undefined;
}

export interface RunFaults extends Omit<NetworkFaults, 'blackout'> {
  /** Within the measured time, ms from its start. */
  readonly blackout: { readonly atMs: number; readonly forMs: number } | undefined;
}

export interface RunOptions {
  readonly streams: number;
  /** Real browsers beside them. */
  readonly chromium: number;
  /** Streams by real libwebrtc. */
  readonly libwebrtc: number;
  readonly rampMs: number;
  readonly durationMs: number;
  readonly loop: MediaLoop;
  readonly objective: Objective;
  /** From the time that all have joined. */
  readonly faults: RunFaults | undefined;
}

/** Told how far a run is: 0..1 of its expected time, and what it does. */
export type RunProgress = (share: number, phase: string) => void;

export async function runLoad(target: Target, options: RunOptions, progress: RunProgress): Promise<RunFigures> {
  const { streams, chromium, libwebrtc, rampMs, durationMs, loop, objective, faults } = options;
  const totalMs = rampMs + SETTLE_MS + durationMs + LAST_MASKS_MS;
  const beganMs = nowMs();
  let phase = 'joining';
  const showing = setInterval(() => progress(Math.min(1, (nowMs() - beganMs) / totalMs), phase), 250);
  const url = new URL('ws', target.url);
  url.protocol = url.protocol.replace('http', 'ws');
  const crew = new PublisherCrew(streams, { url: url.href, token: target.token, loop, relayed: faults !== undefined });
  let browsers: ChromiumCrew | undefined;
  let natives: LibwebrtcCrew | undefined;
  try {
    if (chromium > 0) browsers = await ChromiumCrew.start();
    for (let stream = 0; stream < streams; stream++) {
      await until(beganMs + (stream * rampMs) / streams);
      crew.join(loop.profile.inPhase ? 0 : stream / streams);
    }
    for (let page = 0; page < chromium; page++) await browsers?.join(target.url);
    if (libwebrtc > 0) natives = await LibwebrtcCrew.start({ url: url.href, token: target.token, streams: libwebrtc });
    await crew.decided(JOIN_WITHIN_MS);
    phase = 'settling';
    if (faults !== undefined) crew.impair({ ...faults, blackout: undefined });
    await until(nowMs() + SETTLE_MS);
    phase = 'measuring';
    const startMs = nowMs();
    const endMs = startMs + durationMs;
    const watch = new ServerWatch(target.url, target.token, target.pid);
    const threads = watch.threads();
    const blackout = faults?.blackout && {
      startMs: startMs + faults.blackout.atMs,
      endMs: startMs + faults.blackout.atMs + faults.blackout.forMs,
    };
    if (faults !== undefined && blackout !== undefined) crew.impair({ ...faults, blackout });
    await until(endMs);
    const readings = await watch.stop();
    await until(endMs + LAST_MASKS_MS);
    return figuresOf(
      {
        streams: [
          ...(await crew.leave()),
          ...((await browsers?.leave(streams)) ?? []),
          ...((await natives?.leave(streams + chromium)) ?? []),
        ],
        startMs,
        endMs,
        loopMs: loop.profile.loopMs,
        onsets: loop.onsets,
        readings,
        threads,
        cores: availableParallelism(),
        memoryBytes: totalmem(),
        blackoutEndMs: blackout?.endMs,
      },
      objective,
    );
  } finally {
    clearInterval(showing);
    await crew.close();
    await browsers?.close();
    natives?.close();
  }
}

function until(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, timeMs - nowMs())));
}
