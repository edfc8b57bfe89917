/** A camera and a microphone that play files: who talks lights up, and who is silent does not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { decodeRuns } from '../../shared/rle.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { writeFakeDevices } from '../fixtures/fake-devices.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { type LoggedMask, logMasks } from '../fixtures/mask-log.ts';
import { startTestServer } from '../fixtures/running-server.ts';
import { takeScreenshot } from '../fixtures/screenshot.ts';
import { TRUTH_SIDE, talkingClips } from '../fixtures/talking-clip.ts';

/** What a window hears reaches this far back; a mask nearer to a change has heard both, ms. */
const WINDOW_MS = 1000;
/** The ear of the test hears this far back itself, ms. */
const EAR_MS = 500;
const LEAST_MASKS = 12;

let server: RunningServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-camera-'));
  server = await startTestServer();
});

afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

test.for(talkingClips())('$name lights up while talking and not while silent', async ({ make }) => {
  const clip = await make();
  const browser = await launchChromium(await writeFakeDevices(clip, folder));
  const live = await LivePage.open(browser, server, { parameters: { source: 'camera' } });
  await live.page.evaluate(logMasks);
  await live.page.locator('#start').click();
  const talking = ({ masks, firstLoudMs = Infinity, lastLoudMs = 0 }: typeof window.maskLog) =>
    masks.filter(({ captureTimeMs }) => captureTimeMs > firstLoudMs + WINDOW_MS && captureTimeMs < lastLoudMs - EAR_MS);
  const silent = ({ masks, lastLoudMs = Infinity }: typeof window.maskLog) =>
    masks.filter(({ captureTimeMs }) => captureTimeMs > lastLoudMs + WINDOW_MS);
  const read = () => window.maskLog;
  await live.when(read, (log) => talking(log).length >= LEAST_MASKS);
  await takeScreenshot(live.page, 'talker');
  const log = await live.when(read, (log) => silent(log).length >= LEAST_MASKS);
  await live.close();
  await browser.close();

  const ious = talking(log).map((mask) => iou(unpack(mask), clip.truth));
  const shares = silent(log).map((mask) => mean(unpack(mask)));
  // The gate knows silence by its level; here it is the model that has to.
  expect(silent(log).filter(({ gated }) => !gated).length).toBeGreaterThan(LEAST_MASKS / 2);
  expect.soft(mean(ious)).toBeGreaterThanOrEqual(0.6);
  expect.soft(mean(shares)).toBeLessThanOrEqual(0.02);
});

/** Row-major [192, 192], 0 or 1. */
function unpack({ runs, width, height }: LoggedMask): Uint8Array {
  expect([width, height]).toEqual([TRUTH_SIDE, TRUTH_SIDE]);
  const bits = new Uint8Array(width * height);
  if (runs.length > 0) decodeRuns(runs, width, height, bits);
  return bits;
}

function iou(lit: Uint8Array, truth: Float32Array): number {
  const both = lit.reduce((sum, bit, i) => sum + (bit && truth[i]! > 0.5 ? 1 : 0), 0);
  const either = lit.reduce((sum, bit, i) => sum + (bit || truth[i]! > 0.5 ? 1 : 0), 0);
  return both / either;
}

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
