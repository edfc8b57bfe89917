/** The demo scene is the same in a browser, where people see it, and in Node, where models are trained on it. */
import { fileURLToPath } from 'node:url';
import { createCanvas } from '@napi-rs/canvas';
import type { Browser, Page } from 'playwright-core';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as scenes from '../../shared/demo-scene/scene.ts';
import { launchChromium } from '../fixtures/chromium.ts';

const ENTRY = fileURLToPath(new URL('../../shared/demo-scene/scene.ts', import.meta.url));
const WIDTH = 640;
const HEIGHT = 480;
const SAMPLE_RATE_HZ = 48_000;
const CASES = [
  { seed: 9, timeMs: 700 },
  { seed: 4, timeMs: 11_300 },
  { seed: 1234, timeMs: 47_000 },
];
/** Two builds of the same rasteriser smooth edges differently: mean difference of a channel, of 255. */
const PICTURE_TOLERANCE = 1;

declare global {
  interface Window {
    scenes: typeof scenes;
  }
}

let browser: Browser;
let page: Page;

beforeAll(async () => {
  const bundle = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, lib: { entry: ENTRY, formats: ['iife'], name: 'scenes' } },
  });
  const [{ output }] = bundle as [Rolldown.RolldownOutput];
  browser = await launchChromium();
  page = await browser.newPage();
  await page.addScriptTag({ content: output[0].code });
});

afterAll(() => browser?.close());

test.for(CASES)('sound of scene $seed at $timeMs ms is the same, sample by sample', async ({ seed, timeMs }) => {
  const startSample = (timeMs * SAMPLE_RATE_HZ) / 1000;
  const here = new Float32Array(4800);
  scenes.createDemoScene(seed).synthesise(here, startSample, SAMPLE_RATE_HZ);
  const there = await page.evaluate(
    ([seed, startSample, length, sampleRateHz]) => {
      const samples = new Float32Array(length);
      window.scenes.createDemoScene(seed).synthesise(samples, startSample, sampleRateHz);
      return [...samples];
    },
    [seed, startSample, here.length, SAMPLE_RATE_HZ] as const,
  );
  expect(there).toEqual([...here]);
});

test.for(CASES)('picture and truth of scene $seed at $timeMs ms are the same', async ({ seed, timeMs }) => {
  const scene = scenes.createDemoScene(seed);
  const context = createCanvas(WIDTH, HEIGHT).getContext('2d');
  const there = await page.evaluate(
    ([seed, timeMs, width, height]) => {
      const scene = window.scenes.createDemoScene(seed);
      const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
      scene.draw(context, width, height, timeMs);
      // Base64, because a browser hands over a string far sooner than a million numbers.
      const pixels = () => {
        let binary = '';
        for (const byte of context.getImageData(0, 0, width, height).data) binary += String.fromCharCode(byte);
        return btoa(binary);
      };
      const picture = pixels();
      scene.drawMask(context, width, height, timeMs);
      return { picture, mask: pixels(), truth: scene.truth(timeMs) };
    },
    [seed, timeMs, WIDTH, HEIGHT] as const,
  );
  scene.draw(context, WIDTH, HEIGHT, timeMs);
  expect(difference(context.getImageData(0, 0, WIDTH, HEIGHT).data, there.picture)).toBeLessThan(PICTURE_TOLERANCE);
  scene.drawMask(context, WIDTH, HEIGHT, timeMs);
  expect(difference(context.getImageData(0, 0, WIDTH, HEIGHT).data, there.mask)).toBeLessThan(PICTURE_TOLERANCE);
  expect(there.truth).toEqual(scene.truth(timeMs));
});

function difference(a: ArrayLike<number>, base64: string): number {
  const b = Buffer.from(base64, 'base64');
  expect(a.length).toBe(b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}
