/** Every picture carries its number; the mask drawn over it must have been computed from that very number. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { publishBarcodes } from '../fixtures/barcode-source.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { writeLuminanceModel } from '../fixtures/luminance-model.ts';
import { startTestServer } from '../fixtures/running-server.ts';

const MASKS = 200;

let folder: string;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-barcode-'));
  await writeLuminanceModel(folder);
  server = await startTestServer({ model: folder });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(folder, { recursive: true });
});

test.for([
  ['MediaStreamTrackProcessor', () => {}],
  ['requestVideoFrameCallback', () => Reflect.deleteProperty(globalThis, 'MediaStreamTrackProcessor')],
] as const)('a mask is drawn on the frame it was computed from: %s', async ([frameTap, init]) => {
  const live = await LivePage.open(browser, server, { before: (page) => page.addInitScript(init) });
  await live.page.evaluate(publishBarcodes);
  const figures = await live.figuresWhen(({ masksShown }) => masksShown >= MASKS);
  expect(figures.frameTap).toBe(frameTap);
  expect(figures.masks?.frameClock).toBe('encoder');
  const readings = await live.page.evaluate(() => window.barcodes);
  await live.close();

  const wrong = readings.filter(({ picture, mask }) => picture !== mask);
  expect(readings.length).toBeGreaterThanOrEqual(MASKS / 2);
  expect(new Set(readings.map(({ mask }) => mask)).size).toBeGreaterThanOrEqual(readings.length - wrong.length);
  expect(1 - wrong.length / readings.length, JSON.stringify(wrong)).toBeGreaterThanOrEqual(0.99);
});
