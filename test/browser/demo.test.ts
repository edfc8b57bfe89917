/** The demo scene in a real Chromium through a real server and model, to masks on the overlay. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { CYCLE_MS } from '../../shared/demo-scene/schedule.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { startTestServer } from '../fixtures/running-server.ts';
import { takeScreenshot } from '../fixtures/screenshot.ts';

/** Scenes of the held-out split: sprites and voices that no model was trained on. */
const SEEDS = [9];
/** Between turns lie a few dozen masks; where in the change from sound to silence one falls is chance, which two cycles even out. */
const WATCHED_MS = 2 * CYCLE_MS;

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  server = await startTestServer();
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test.for(SEEDS)('what sounds in demo scene %i lights up, on its own frame', async (seed) => {
  const live = await LivePage.open(browser, server, {
    parameters: { source: 'demo', seed: `${seed}`, autostart: '' },
  });
  const {
    state,
    masks,
    masksShown,
    send,
    server: stats,
    frameTap,
    demo,
  } = await live.figuresWhen(({ demo }) => (demo?.sceneTimeMs ?? 0) > WATCHED_MS);
  await takeScreenshot(live, 'demo');
  await live.close();

  expect(state).toBe('live');
  expect(frameTap).toBe('MediaStreamTrackProcessor');
  expect(masks?.frameClock).toBe('encoder');
  expect(send?.videoCodec).toBe('VP8');
  expect(stats).toMatchObject({ videoCodec: 'VP8', clockSource: 'sender-report' });
  // Browsers send fewer pixels while the bit rate is low, in the same proportions.
  expect(stats!.frameWidth / stats!.frameHeight).toBeCloseTo(4 / 3);
  expect(masks?.pairedShare, JSON.stringify(masks)).toBeGreaterThanOrEqual(0.99);
  expect(masksShown).toBeGreaterThanOrEqual(0.9 * masks!.paired);
  expect(stats?.skewP95Ms).toBeLessThanOrEqual(20);
  expect(demo?.silentMasks).toBeGreaterThan(0);
  const shown = JSON.stringify(demo);
  expect.soft(demo?.iou, shown).toBeGreaterThanOrEqual(0.6);
  expect.soft(demo?.litWhileSilent, shown).toBeLessThanOrEqual(0.02);
});
