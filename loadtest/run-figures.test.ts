import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { bottleneckOf } from './bottleneck.ts';
import { exampleRecord, exampleReport, START_MS } from './example-run.ts';
import { iouLossOf, missesOf, OBJECTIVE } from './objective.ts';
import { type RunFigures, readReport } from './report.ts';
import { figuresOf } from './run-figures.ts';
import { summarise } from './summary.ts';

const steady = { masksPerSecond: 10, latencyMs: () => 80 };
const run = (example: Parameters<typeof exampleRecord>[0]) => figuresOf(exampleRecord(example), OBJECTIVE);

describe('the figures of a run', () => {
  const figures = run({
    durationMs: 4000,
    streams: [steady, steady],
    cores: { main: 0.1, media: 0.2, inference: 0.8 },
  });

  it('are those of its streams together', () => {
    expect(figures.masksPerSecond).toBeCloseTo(20, 0);
    expect(figures.slowestStreamMasksPerSecond).toBeCloseTo(10, 0);
    expect(figures.frameToMaskMs).toMatchObject({ p50: 80, p95: 80 });
    expect(figures.iou).toBeCloseTo(0.8);
    expect(figures.pairedShare).toBe(1);
    expect(figures.gatedShare).toBeCloseTo(0.75, 1);
    expect(figures.stagesMs.outside).toMatchObject({ p50: 70 });
    expect(figures.slices).toHaveLength(4);
  });

  it('have what the server counted between its first and last reading', () => {
    expect(figures.server).toMatchObject({
      drops: { superseded: 12 },
      batchFramesMean: 2,
      batchMsMean: 50,
      queueMax: 1,
    });
    expect(figures.server.cores!.inference).toBeCloseTo(0.8);
    expect(figures.load.cores).toBeCloseTo(0.1);
    expect(figures.machineBusy).toBeCloseTo(0.5);
  });

  it('time an onset from the sound to the first mask that shows it', () => {
    expect(figures.onsetToMaskMs).toMatchObject({ p50: 80, count: 4 });
    expect(figures.onsetsAnswered).toBe(1);
    const blind = run({ durationMs: 4000, streams: [{ ...steady, iou: 0.1 }] });
    expect(blind.onsetsAnswered).toBe(0);
    expect(blind.onsetToMaskMs!.p50).toBeCloseTo(500, 0);
  });

  it('count what a slow stream waited for', () => {
    const slow = run({ durationMs: 4000, streams: [{ masksPerSecond: 1, latencyMs: () => 50 }] });
    expect(slow.answeredFrameToMaskMs).toMatchObject({ p95: 50 });
    expect(slow.frameToMaskMs!.p95).toBeGreaterThan(700);
  });

  it('give every second of the scene the same weight', () => {
    const record = exampleRecord({ durationMs: 4000, streams: [steady] });
    const [stream] = record.streams;
    const [first] = stream!.masks;
    const mask = (loopMs: number, iou: number) => ({ ...first!, loopMs, iou });
    const masks = [mask(0, 0.9), mask(100, 0.9), mask(200, 0.9), mask(1500, 0.5)];
    const { iou } = figuresOf({ ...record, streams: [{ ...stream!, masks }] }, OBJECTIVE);
    expect(iou).toBeCloseTo(0.7);
  });

  it('tell refusals from sessions lost', () => {
    const streams = [
      steady,
      { ...steady, refused: true, ended: { code: 'server-full', atMs: START_MS } },
      { ...steady, ended: { code: 'peer-failed', atMs: START_MS + 100 } },
    ];
    const { refusals, lost, streamsLive } = run({ durationMs: 2000, streams });
    expect(refusals).toEqual({ 'server-full': 1 });
    expect(lost).toEqual({ 'peer-failed': 1 });
    expect(streamsLive).toBe(1);
  });

  it('time the recovery from a blackout', () => {
    const { recovery } = run({ durationMs: 4000, streams: [steady], blackoutEndMs: START_MS + 1010 });
    expect(recovery).toMatchObject({ resumedMs: { p50: 170 }, notResumed: 0 });
  });

  it('make a report that is read again, and no other file is', async () => {
    const folder = await mkdtemp(`${tmpdir()}/loadtest-`);
    const report = exampleReport(figures);
    await writeFile(`${folder}/report.json`, JSON.stringify(report));
    await writeFile(`${folder}/bad.json`, JSON.stringify({ ...report, run: { ...figures, masksPerSecond: 'many' } }));
    expect(await readReport(folder)).toEqual(report);
    await expect(readReport(`${folder}/bad.json`)).rejects.toThrow(/bad.json.*masksPerSecond/);
    await expect(readReport(`${folder}/none`)).rejects.toThrow(/no report at .*none/);
    expect(summarise(report)).toContain('frame to mask         p50 80, p95 80, p99 80 ms');
  });
});

describe('the objective', () => {
  it('is met by a quick run and missed in words by a slow, a dim and a refused one', () => {
    const good = run({ durationMs: 4000, streams: [steady] });
    expect(missesOf(good, OBJECTIVE, 0.01)).toEqual([]);
    expect(missesOf(good, OBJECTIVE, 0.03)).toEqual([expect.stringContaining('IoU was 0.030 lower')]);
    const slow = run({ durationMs: 4000, streams: [{ masksPerSecond: 3, latencyMs: () => 400 }] });
    expect(missesOf(slow, OBJECTIVE, undefined)).toEqual([
      expect.stringContaining('2.8 masks/s'),
      expect.stringContaining('95th percentile'),
    ]);
    const refused = run({ durationMs: 2000, streams: [steady, { ...steady, refused: true }] });
    expect(missesOf(refused, OBJECTIVE, undefined)).toEqual(['1 of 2 streams were not carried to the end']);
  });
});

it('compares IoU on the frames that both have masks of', () => {
  const figures = run({ durationMs: 2000, streams: [steady] });
  const withIou = (...iouByFrame: [number, number][]): RunFigures => ({ ...figures, iouByFrame });
  const known = new Map([
    [0, 0.9],
    [100, 0.8],
  ]);
  // Its mean is 0.45, of other frames.
  expect(iouLossOf(withIou([0, 0.9], [33, 0]), known)).toBe(0);
  expect(iouLossOf(withIou([0, 0.6], [100, 0.7]), known)).toBeCloseTo(0.2);
  expect(iouLossOf(withIou([33, 1]), known)).toBeUndefined();
});

describe('the bottleneck', () => {
  const measured = (cores: Record<string, number>, machineBusy: number) =>
    run({ durationMs: 2000, streams: [steady], cores, machineBusy });
  const bottleneck = (cores: Record<string, number>, machineBusy: number) => measured(cores, machineBusy).bottleneck;

  it('is the threads that are full', () => {
    expect(bottleneck({ main: 0.2, media: 0.4, inference: 1.9 }, 0.7)).toContain('CPU of the model');
    expect(bottleneck({ main: 0.2, media: 0.95, inference: 0.5 }, 0.5)).toContain('CPU of the media workers');
  });

  it('is the machine, or others on it, when no thread is', () => {
    expect(bottleneck({ main: 0.4, media: 0.8, inference: 1.6, other: 0.8 }, 0.95)).toContain('CPU of the machine');
    expect(bottleneck({ inference: 0.5 }, 0.95)).toContain('Other programs');
  });

  it('is the network when packets are lost and there is time', () => {
    const quiet = measured({ inference: 0.5 }, 0.3);
    const lossy = { ...quiet, load: { ...quiet.load, packetsSent: 1000, packetsLost: 50 } };
    expect(bottleneckOf(lossy, 4, 2 ** 33)).toBe('Network: 5 % of the packets were lost on the way to the server.');
  });

  it('is memory when the server holds nearly all of it', () => {
    expect(bottleneckOf(measured({ inference: 0.5 }, 0.3), 4, 310 * 2 ** 20)).toContain('Memory');
  });

  it('is not known of a server elsewhere', () => {
    const { cores: _unseen, ...server } = measured({}, 0.3).server;
    expect(bottleneckOf({ ...measured({}, 0.3), server }, 4, 2 ** 33)).toContain('elsewhere');
  });

  it('is nothing on a machine with time left', () => {
    expect(bottleneck({ main: 0.1, media: 0.2, inference: 0.8 }, 0.4)).toContain('Nothing is short');
  });
});
