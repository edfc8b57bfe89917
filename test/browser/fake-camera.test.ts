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
import { type LoggedMask, logMasks, type MaskLog } from '../fixtures/mask-log.ts';
import { startTestServer } from '../fixtures/running-server.ts';
import { takeScreenshot } from '../fixtures/screenshot.ts';
import { TRUTH_SIDE, talkingClips } from '../fixtures/talking-clip.ts';

/** What is heard from this long before a frame until this long after it decides what its mask should show, ms. */
const BEFORE_MS = 1000;
const AFTER_MS = 400;
const LEAST_READINGS = 5;
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
  const read = () => window.maskLog;
  const log = await live.when(
    read,
    (log) => masksWhile(true, log).length >= LEAST_MASKS && masksWhile(false, log).length >= LEAST_MASKS,
  );
  await takeScreenshot(live, 'talker');
  await live.close();
  await browser.close();

  const ious = masksWhile(true, log).map((mask) => iou(unpack(mask), clip.truth));
  const silent = masksWhile(false, log);
  const shares = silent.map((mask) => mean(unpack(mask)));
  // The gate knows silence by its level; here it is the model that has to.
  expect(silent.filter(({ gated }) => !gated).length).toBeGreaterThan(silent.length / 2);
  expect.soft(mean(ious)).toBeGreaterThanOrEqual(0.6);
  expect.soft(mean(shares)).toBeLessThanOrEqual(0.02);
});

/** The masks around which the microphone heard speech all the time, or never. */
function masksWhile(speech: boolean, { masks, readings }: MaskLog): LoggedMask[] {
  return masks.filter(({ captureTimeMs }) => {
    const around = readings.filter(
      ({ timeMs }) => timeMs > captureTimeMs - BEFORE_MS && timeMs < captureTimeMs + AFTER_MS,
    );
    const isOver = (readings.at(-1)?.timeMs ?? 0) > captureTimeMs + AFTER_MS;
    return isOver && around.length >= LEAST_READINGS && around.every(({ loud }) => loud === speech);
  });
}

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
