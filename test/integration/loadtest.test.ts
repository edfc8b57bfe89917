/** The load test against a server of its own, with media small enough to be made on the spot. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Value } from 'typebox/value';
import { expect, it } from 'vitest';
import { runLoadTest } from '../../loadtest/load-test.ts';
import { PROFILES } from '../../loadtest/profile.ts';
import { type Report, ReportSchema } from '../../loadtest/report.ts';

const PROFILE = { ...PROFILES.burst, name: 'small', width: 320, height: 240, frameRateHz: 15, loopMs: 4000 };
const BLACKOUT = { atMs: 1000, forMs: 1000 };

it('measures two streams through a blackout, and reports the third as refused', async () => {
  const cacheFolder = await mkdtemp(`${tmpdir()}/loadtest-`);
  const phases: string[] = [];
  const report: Report = await runLoadTest(
    {
      url: undefined,
      token: undefined,
      serverFlags: ['--providers', 'cpu', '--max-sessions', '2'],
      profile: PROFILE,
      cacheFolder,
      streams: 3,
      chromium: 0,
      libwebrtc: 0,
      durationMs: 5000,
      rampMs: 300,
      faults: { loss: 0, delayMs: 0, jitterMs: 0, blackout: BLACKOUT },
    },
    (_share, phase) => phases.push(phase),
  ).finally(() => rm(cacheFolder, { recursive: true }));

  expect([...Value.Errors(ReportSchema, report)]).toEqual([]);
  const { run } = report;
  expect(run.lost).toEqual({});
  expect(run).toMatchObject({
    streamsAsked: 3,
    streamsLive: 2,
    refusals: { 'server-full': 1 },
    pairedShare: 1,
  });
  expect(run.streams.map(({ ended }) => ended).filter((code) => code !== undefined)).toEqual(['server-full']);
  expect(run.masksPerSecond).toBeGreaterThan(0);
  expect(run.iou).toBeGreaterThan(0);
  expect(run.slices).toHaveLength(5);

  // A frame that was owed a mask as the blackout began waited for its end.
  expect(run.frameToMaskMs!.max).toBeGreaterThan(BLACKOUT.forMs - 1000 / report.slo.masksPerSecond);
  expect(run.recovery).toBeDefined();
  expect(run.load.packetsLost).toBeGreaterThan(0);

  expect(run.server.threads).toMatchObject({ main: 1, media: 1 });
  expect(run.server.cores!.inference).toBeGreaterThan(0);
  expect(run.server.batchFramesMean).toBeGreaterThanOrEqual(1);
  expect(new Set(phases)).toContain('measuring');
});
