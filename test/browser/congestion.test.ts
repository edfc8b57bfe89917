/** The server's congestion feedback lets a browser send as much as it has to. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { publishBusyPicture } from '../fixtures/busy-source.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { startTestServer } from '../fixtures/running-server.ts';

const WANTED_BITRATE = 1_000_000;
const WITHIN_MS = 10_000;

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  // Few masks: what is measured is the network's share, on a machine that also encodes and decodes.
  server = await startTestServer({ maskRateHz: '2' });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test('a browser may send 1 Mbit/s within 10 s of connecting, and a busy 640x480 picture is received with it', async () => {
  const live = await LivePage.open(browser, server);
  await live.page.evaluate(publishBusyPicture);
  const ramp = await live.when(
    () => window.bitrateRamp,
    (seconds) => seconds.some(({ videoBitrate }) => videoBitrate >= WANTED_BITRATE),
  );
  await live.close();

  // When the encoder makes use of what it may send is its own affair, and the machine's.
  const allowed = ramp.find(({ availableOutgoingBitrate }) => availableOutgoingBitrate >= WANTED_BITRATE);
  expect(allowed?.sinceConnectedMs, JSON.stringify(ramp)).toBeLessThanOrEqual(WITHIN_MS);
});
