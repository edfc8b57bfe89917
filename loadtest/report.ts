/** report.json: schema, reading and writing. Version 2; a change of meaning or shape raises it. */
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

export const REPORT_VERSION = 2;

const ms = (description: string) => Type.Number({ description: `${description}, ms` });
const optional = <T extends Type.TSchema>(schema: T) => Type.Optional(schema);

export const PercentilesSchema = Type.Object({
  p50: Type.Number(),
  p95: Type.Number(),
  p99: Type.Number(),
  max: Type.Number(),
  count: Type.Integer({ description: 'Values behind the percentiles' }),
});

/** By name: `main`, `media`, `inference`, `other`. */
const CoresSchema = Type.Record(Type.String(), Type.Number(), { description: 'Cores in use, by thread' });

export const StreamFiguresSchema = Type.Object({
  stream: Type.Integer(),
  kind: Type.Union([Type.Literal('replay'), Type.Literal('chromium'), Type.Literal('libwebrtc')]),
  joinMs: optional(ms('First packet to the server until media flowed')),
  ended: optional(Type.String({ description: 'Why the server ended it, or refused it: a code of docs/wire.md' })),
  masksPerSecond: Type.Number(),
  frameToMaskMs: optional(PercentilesSchema),
  pairedShare: Type.Number({ description: 'Masks whose RTP timestamp is that of a frame sent, 0..1' }),
  iou: optional(Type.Number({ description: 'Mean, 0..1, over masks while something in view sounds' })),
  gatedShare: Type.Number({ description: 'Masks answered by silence, 0..1' }),
  packetsSent: Type.Integer(),
  packetsLost: Type.Integer({ description: 'By the receiver reports of the server' }),
  nacksReceived: Type.Integer(),
  plisReceived: Type.Integer(),
  framesSkipped: Type.Integer({ description: 'Left out because the load test was too late' }),
});

export const SliceSchema = Type.Object({
  atS: Type.Number({ description: 'Since the start of the measured time, s' }),
  masksPerSecond: Type.Number(),
  frameToMaskP50Ms: optional(Type.Number()),
  frameToMaskP95Ms: optional(Type.Number()),
  iou: optional(Type.Number()),
  serverCores: optional(CoresSchema),
  loadCores: Type.Number({ description: 'Used by the load test' }),
  machineBusy: Type.Number({ description: 'Share of all cores in use, by whomever, 0..1' }),
  residentBytes: optional(Type.Integer()),
  queue: Type.Number({ description: 'Windows waiting for the model' }),
});

export const RunFiguresSchema = Type.Object({
  streamsAsked: Type.Integer(),
  streamsLive: Type.Integer({ description: 'That published to the end' }),
  refusals: Type.Record(Type.String(), Type.Integer(), { description: 'Streams never let in, by code' }),
  lost: Type.Record(Type.String(), Type.Integer(), { description: 'Sessions that ended early, by code' }),
  measuredS: Type.Number(),
  masksPerSecond: Type.Number(),
  slowestStreamMasksPerSecond: Type.Number(),
  frameToMaskMs: optional(PercentilesSchema),
  answeredFrameToMaskMs: optional(PercentilesSchema),
  onsetToMaskMs: optional(PercentilesSchema),
  onsetsAnswered: Type.Number({ description: 'Share of onsets that got a mask with IoU >= 0.3 while they lasted' }),
  percentileCurve: Type.Array(Type.Tuple([Type.Number(), Type.Number()]), {
    description: 'Share and frame-to-mask latency, ms',
  }),
  pairedShare: Type.Number(),
  iou: optional(Type.Number()),
  iouByFrame: Type.Array(Type.Tuple([Type.Number(), Type.Number()]), {
    description:
      'Time within the loop, ms, and mean IoU of the frames that have masks and in which something in view sounds',
  }),
  gatedShare: Type.Number(),
  joinMs: optional(PercentilesSchema),
  stagesMs: Type.Record(Type.String(), PercentilesSchema, {
    description: 'As the masks carry them; outside: sending, network, data channel',
  }),
  server: Type.Object({
    drops: Type.Record(Type.String(), Type.Number(), { description: 'By reason' }),
    batchFramesMean: optional(Type.Number()),
    batchMsMean: optional(Type.Number()),
    queueMean: Type.Number(),
    queueMax: Type.Number(),
    eventLoopLagMs: optional(
      Type.Object({ p50: Type.Number(), p95: Type.Number() }, { description: 'Of the media workers' }),
    ),
    mainLoopLagP99Ms: Type.Number(),
    sessionEnds: Type.Record(Type.String(), Type.Number()),
    cores: optional(CoresSchema),
    threads: optional(Type.Record(Type.String(), Type.Integer())),
    residentBytes: optional(Type.Integer()),
  }),
  load: Type.Object({
    cores: Type.Number(),
    latestMs: ms('Longest that media was sent after it was due'),
    framesSkipped: Type.Integer(),
    packetsSent: Type.Integer(),
    packetsLost: Type.Integer(),
  }),
  machineBusy: Type.Number(),
  recovery: optional(
    Type.Object(
      {
        resumedMs: optional(PercentilesSchema),
        notResumed: Type.Integer({ description: 'Streams without a mask after the blackout' }),
      },
      { description: 'From the end of the blackout to the first mask, by stream' },
    ),
  ),
  bottleneck: Type.String(),
  slices: Type.Array(SliceSchema),
  streams: Type.Array(StreamFiguresSchema),
});

const TrialSchema = Type.Object({
  streams: Type.Integer(),
  masksPerSecond: Type.Number(),
  frameToMaskP95Ms: optional(Type.Number()),
  iouLoss: optional(
    Type.Number({ description: 'Against trials of fewer streams, on the frames that both have masks of' }),
  ),
  misses: Type.Array(Type.String({ description: 'What of the objective was missed' })),
});

export const ReportSchema = Type.Object({
  version: Type.Literal(REPORT_VERSION),
  createdAt: Type.String({ format: 'date-time' }),
  machine: Type.Object({
    cpu: Type.String(),
    cores: Type.Integer(),
    memoryBytes: Type.Number(),
    node: Type.String(),
    platform: Type.String(),
  }),
  clocks: Type.String({ description: 'Which clock the latencies are read on' }),
  options: Type.Object({
    profile: Type.String(),
    url: optional(Type.String({ description: 'Absent: a server of the load test’s own' })),
    serverFlags: Type.Array(Type.String()),
    durationS: Type.Number(),
    faults: optional(
      Type.Object({
        loss: Type.Number(),
        delayMs: Type.Number(),
        jitterMs: Type.Number(),
        blackout: optional(Type.Object({ atS: Type.Number(), forS: Type.Number() })),
      }),
    ),
  }),
  model: Type.Object({ name: Type.String(), version: Type.String(), executionProvider: Type.String() }),
  slo: Type.Object({
    masksPerSecond: Type.Number(),
    frameToMaskP95Ms: Type.Number(),
    iouLoss: Type.Number(),
  }),
  capacity: optional(
    Type.Object({
      streams: Type.Integer({ description: 'Most streams at the objective; 0 when one is too many' }),
      verdict: Type.String(),
      trials: Type.Array(TrialSchema, { description: 'In the order they were made' }),
      overload: TrialSchema,
    }),
  ),
  run: RunFiguresSchema,
});

export type Percentiles = Static<typeof PercentilesSchema>;
export type StreamFigures = Static<typeof StreamFiguresSchema>;
export type Slice = Static<typeof SliceSchema>;
export type RunFigures = Static<typeof RunFiguresSchema>;
export type Trial = Static<typeof TrialSchema>;
export type Report = Static<typeof ReportSchema>;

/**
 * @param path of a report, or of the folder it lies in.
 * @throws Error that names the file and the first thing wrong with it.
 */
export async function readReport(path: string): Promise<Report> {
  const file = path.endsWith('.json') ? path : `${path}/report.json`;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`There is no report at ${file}; name a folder that a load test wrote (--out).`, { cause });
  });
  const report: unknown = JSON.parse(text);
  if (Value.Check(ReportSchema, report)) return report;
  const [fault] = Value.Errors(ReportSchema, report);
  throw new Error(
    `${file} is not a report of version ${REPORT_VERSION}: ${fault?.instancePath} ${fault?.message}; make it again`,
  );
}
