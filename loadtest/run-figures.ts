/** From what was noted during a run to its figures. Pure. */
import { MASK_STAGES } from '../shared/mask-codec.ts';
import { bottleneckOf } from './bottleneck.ts';
import { quantile } from './exposition.ts';
import { type Latency, LatencyHistogram, latenciesWithWaits } from './latency-histogram.ts';
import type { MaskSample } from './mask-sample.ts';
import type { Onset } from './media-loop.ts';
import type { Objective } from './objective.ts';
import type { Percentiles, RunFigures, Slice, StreamFigures } from './report.ts';
import type { ServerReading, ThreadCounts } from './server-watch.ts';
import type { StreamRecord } from './stream-record.ts';

const SLICE_MS = 1000;
/** IoU from which on an onset is answered. */
const ANSWERED_IOU = 0.3;

export interface RunRecord {
  readonly streams: readonly StreamRecord[];
  /** The measured time, ms since the Unix epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly loopMs: number;
  readonly onsets: readonly Onset[];
  /** At least the first and the last of the measured time. */
  readonly readings: readonly ServerReading[];
  readonly threads: ThreadCounts | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly blackoutEndMs: number | undefined;
}

export function figuresOf(record: RunRecord, objective: Objective): RunFigures {
  const { streams, startMs, endMs } = record;
  const joined = streams.filter(({ joinMs }) => joinMs !== undefined);
  const measuredS = (endMs - startMs) / 1000;
  const measured = streams.map(({ masks }) =>
    masks.filter(({ arrivalMs }) => arrivalMs >= startMs && arrivalMs < endMs),
  );
  const masks = measured.flat();
  const latencies = joined.map(({ masks: all }) => waitsOf(all, objective, startMs, endMs));
  const all = histogramOf(latencies.flat());
  const paired = masks.filter(({ captureMs }) => captureMs !== undefined);
  // Where a browser is in its own scene is not known here.
  const replayed = joined.filter(({ kind }) => kind === 'replay');
  const onsets = replayed.flatMap(({ masks: all }) => onsetsOf(all, record));
  const streamFigures = streams.map((stream, i) =>
    streamFiguresOf(stream, measured[i]!, measuredS, histogramOf(waitsOf(stream.masks, objective, startMs, endMs))),
  );
  const rates = streamFigures.filter(({ joinMs }) => joinMs !== undefined).map(({ masksPerSecond }) => masksPerSecond);
  const server = serverFiguresOf(record);
  const counts = streams.flatMap(({ counts }) => counts ?? []);
  const figures = {
    streamsAsked: streams.length,
    streamsLive: joined.filter(({ ended }) => ended === undefined).length,
    refusals: countBy(streams.filter(({ joinMs }) => joinMs === undefined)),
    lost: countBy(joined.filter(({ ended }) => ended !== undefined)),
    measuredS,
    masksPerSecond: masks.length / measuredS,
    slowestStreamMasksPerSecond: rates.length === 0 ? 0 : Math.min(...rates),
    ...given('frameToMaskMs', all.percentiles()),
    ...given('answeredFrameToMaskMs', histogramOf(latencies.flat().filter(({ answered }) => answered)).percentiles()),
    ...given('onsetToMaskMs', percentilesOf(onsets.map(({ latencyMs }) => latencyMs))),
    onsetsAnswered: share(onsets, ({ answered }) => answered),
    percentileCurve: all.curve(),
    pairedShare: share(masks, ({ captureMs }) => captureMs !== undefined),
    ...given('iou', meanIou(masks)),
    iouByFrame: iouByFrame(masks),
    gatedShare: share(masks, ({ gated }) => gated),
    ...given('joinMs', percentilesOf(joined.map(({ joinMs }) => joinMs!))),
    stagesMs: stagesOf(paired),
    server,
    load: {
      cores: rateOf(record.readings, ({ ownCpuS }) => ownCpuS),
      latestMs: Math.max(0, ...counts.map(({ latestMs }) => latestMs)),
      framesSkipped: sum(counts.map(({ framesSkipped }) => framesSkipped)),
      packetsSent: sum(counts.map(({ packetsSent }) => packetsSent)),
      packetsLost: sum(counts.map(({ packetsLost }) => packetsLost)),
    },
    machineBusy: busyShare(record.readings.at(0)!, record.readings.at(-1)!),
    ...(record.blackoutEndMs !== undefined && { recovery: recoveryOf(joined, record.blackoutEndMs) }),
    slices: slicesOf(record, masks, latencies.flat()),
    streams: streamFigures,
  };
  return { ...figures, bottleneck: bottleneckOf(figures, record.cores, record.memoryBytes) };
}

function waitsOf(
  masks: readonly MaskSample[],
  { masksPerSecond }: Objective,
  startMs: number,
  endMs: number,
): Latency[] {
  const answers = masks.flatMap(({ captureMs, arrivalMs }) =>
    captureMs === undefined ? [] : { captureMs, arrivalMs },
  );
  return latenciesWithWaits(answers, 1000 / masksPerSecond, startMs, endMs);
}

function streamFiguresOf(
  { stream, kind, joinMs, ended, counts }: StreamRecord,
  masks: readonly MaskSample[],
  measuredS: number,
  latency: LatencyHistogram,
): StreamFigures {
  return {
    stream,
    kind,
    ...given('joinMs', joinMs),
    ...given('ended', ended?.code),
    masksPerSecond: masks.length / measuredS,
    ...given('frameToMaskMs', joinMs === undefined ? undefined : latency.percentiles()),
    pairedShare: share(masks, ({ captureMs }) => captureMs !== undefined),
    ...given('iou', meanIou(masks)),
    gatedShare: share(masks, ({ gated }) => gated),
    packetsSent: counts?.packetsSent ?? 0,
    packetsLost: counts?.packetsLost ?? 0,
    nacksReceived: counts?.nacksReceived ?? 0,
    plisReceived: counts?.plisReceived ?? 0,
    framesSkipped: counts?.framesSkipped ?? 0,
  };
}

/** For each onset that ended within the measured time: the time to the first mask that shows it, or all that it lasted. */
function onsetsOf(masks: readonly MaskSample[], { onsets, loopMs, startMs, endMs }: RunRecord): Latency[] {
  const paired = masks.filter((mask): mask is MaskSample & { captureMs: number } => mask.captureMs !== undefined);
  const first = paired[0];
  if (first === undefined) return [];
  const originMs = first.captureMs - first.loopMs;
  return onsets.flatMap((onset) => {
    const latencies: Latency[] = [];
    const passes = Math.max(0, Math.ceil((startMs - originMs - onset.startMs) / loopMs));
    for (let atMs = originMs + onset.startMs + passes * loopMs; ; atMs += loopMs) {
      const untilMs = atMs + onset.endMs - onset.startMs;
      if (untilMs > endMs) return latencies;
      const answer = paired.find(
        ({ captureMs, iou = 0 }) => captureMs >= atMs && captureMs < untilMs && iou >= ANSWERED_IOU,
      );
      const latencyMs = (answer?.arrivalMs ?? untilMs) - atMs;
      latencies.push({ captureMs: atMs, latencyMs, answered: answer !== undefined });
    }
  });
}

function stagesOf(masks: readonly MaskSample[]): RunFigures['stagesMs'] {
  const within = ({ stagesMs }: MaskSample) => sum(MASK_STAGES.map((stage) => stagesMs[stage]));
  const stages: Record<string, Percentiles> = {};
  for (const stage of [...MASK_STAGES, 'outside'] as const) {
    const values = masks.map((mask) =>
      stage === 'outside' ? mask.arrivalMs - mask.captureMs! - within(mask) : mask.stagesMs[stage],
    );
    Object.assign(stages, given(stage, percentilesOf(values)));
  }
  return stages;
}

function serverFiguresOf({ readings, threads }: RunRecord): RunFigures['server'] {
  const first = readings.at(0)!;
  const last = readings.at(-1)!;
  const since = (counts: (reading: ServerReading) => Readonly<Record<string, number>>) => {
    const before = counts(first);
    const grown = Object.entries(counts(last)).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
    return Object.fromEntries(grown.filter(([, count]) => count > 0));
  };
  const histogram = (name: string) => last.metrics.histogramSince(first.metrics, name);
  const batchFrames = histogram('avsac_batch_frames');
  const batchSeconds = histogram('avsac_batch_seconds');
  const lag = histogram('avsac_event_loop_lag_seconds');
  const queue = readings.map(({ metrics }) => metrics.value('avsac_segment_queue'));
  return {
    drops: since(({ metrics }) => metrics.byLabel('avsac_drops_total', 'reason')),
    ...(batchFrames.count > 0 && {
      batchFramesMean: batchFrames.sum / batchFrames.count,
      batchMsMean: (1000 * batchSeconds.sum) / batchSeconds.count,
    }),
    queueMean: mean(queue) ?? 0,
    queueMax: Math.max(...queue),
    ...(lag.count > 0 && { eventLoopLagMs: { p50: 1000 * quantile(lag, 0.5)!, p95: 1000 * quantile(lag, 0.95)! } }),
    mainLoopLagP99Ms: 1000 * last.metrics.value('nodejs_eventloop_lag_p99_seconds'),
    sessionEnds: since(({ metrics }) => metrics.byLabel('avsac_session_ends_total', 'reason')),
    ...given('cores', coresBetween(first, last)),
    ...given('threads', threads),
    ...given('residentBytes', last.residentBytes),
  };
}

/** From the end of the blackout to each stream's first mask. */
function recoveryOf(streams: readonly StreamRecord[], endMs: number): NonNullable<RunFigures['recovery']> {
  const resumed = streams.flatMap(({ masks }) => {
    const first = masks.find(({ captureMs = 0 }) => captureMs >= endMs);
    return first === undefined ? [] : first.arrivalMs - endMs;
  });
  return { ...given('resumedMs', percentilesOf(resumed)), notResumed: streams.length - resumed.length };
}

function slicesOf(
  { startMs, endMs, readings }: RunRecord,
  masks: readonly MaskSample[],
  latencies: readonly Latency[],
) {
  return Array.from({ length: Math.floor((endMs - startMs) / SLICE_MS) }, (_, i): Slice => {
    const fromMs = startMs + i * SLICE_MS;
    const within = (timeMs: number) => timeMs >= fromMs && timeMs < fromMs + SLICE_MS;
    const arrived = masks.filter(({ arrivalMs }) => within(arrivalMs));
    const histogram = histogramOf(latencies.filter(({ captureMs }) => within(captureMs)));
    const after = Math.max(
      1,
      readings.findIndex(({ atMs }) => atMs >= fromMs + SLICE_MS),
    );
    const [before, reading] = [readings[after - 1]!, readings[after]!];
    return {
      atS: (i * SLICE_MS) / 1000,
      masksPerSecond: (arrived.length * 1000) / SLICE_MS,
      ...given('frameToMaskP50Ms', histogram.percentile(0.5)),
      ...given('frameToMaskP95Ms', histogram.percentile(0.95)),
      ...given('iou', mean(arrived.flatMap(({ iou }) => iou ?? []))),
      ...given('serverCores', coresBetween(before, reading)),
      loadCores: rateOf([before, reading], ({ ownCpuS }) => ownCpuS),
      machineBusy: busyShare(before, reading),
      ...given('residentBytes', reading.residentBytes),
      queue: reading.metrics.value('avsac_segment_queue'),
    };
  });
}

function coresBetween(from: ServerReading, to: ServerReading): Record<string, number> | undefined {
  const { serverCpuS } = to;
  if (serverCpuS === undefined || from.serverCpuS === undefined) return undefined;
  const seconds = (to.atMs - from.atMs) / 1000;
  const before = from.serverCpuS;
  return Object.fromEntries(
    Object.entries(serverCpuS).map(([name, cpuS]) => [name, (cpuS - (before[name] ?? 0)) / seconds]),
  );
}

function rateOf(readings: readonly ServerReading[], value: (reading: ServerReading) => number): number {
  const [first, last] = [readings.at(0)!, readings.at(-1)!];
  return (1000 * (value(last) - value(first))) / (last.atMs - first.atMs);
}

function busyShare({ machine: before }: ServerReading, { machine: after }: ServerReading): number {
  const totalMs = after.totalMs - before.totalMs;
  return totalMs === 0 ? 0 : (after.busyMs - before.busyMs) / totalMs;
}

function histogramOf(latencies: readonly Latency[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const { latencyMs } of latencies) histogram.record(latencyMs);
  return histogram;
}

function percentilesOf(values: readonly number[]): Percentiles | undefined {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram.percentiles();
}

/** Every second of the loop counts the same, however often it was shown: some are harder than others. */
function meanIou(masks: readonly MaskSample[]): number | undefined {
  const bySecond = Map.groupBy(masks, ({ loopMs }) => Math.floor(loopMs / 1000));
  return mean([...bySecond.values()].flatMap((group) => mean(group.flatMap(({ iou }) => iou ?? [])) ?? []));
}

function iouByFrame(masks: readonly MaskSample[]): [number, number][] {
  const byFrame = Map.groupBy(masks, ({ loopMs }) => loopMs);
  return [...byFrame].flatMap(([loopMs, group]): [number, number][] => {
    const iou = mean(group.flatMap(({ iou }) => iou ?? []));
    return iou === undefined ? [] : [[loopMs, iou]];
  });
}

function countBy(streams: readonly StreamRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { ended } of streams) counts[ended?.code ?? 'no-answer'] = (counts[ended?.code ?? 'no-answer'] ?? 0) + 1;
  return counts;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : sum(values) / values.length;

/** 1 of nothing. */
function share<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.length === 0 ? 1 : values.filter(holds).length / values.length;
}

/** A property that is left out when there is nothing to say. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
