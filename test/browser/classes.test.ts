/** Models of several classes in a browser: each class in its colour, with its name beside it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { BRIGHTNESS_CLASSES, writeBrightnessModel } from '../fixtures/brightness-model.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { writeLuminanceModel } from '../fixtures/luminance-model.ts';
import { startTestServer } from '../fixtures/running-server.ts';
import { takeScreenshot } from '../fixtures/screenshot.ts';

const DEMO = { source: 'demo', seed: '9', autostart: '' };
/** WCAG 2.2, success criterion 1.4.3. */
const LEAST_CONTRAST = 4.5;

let folder: string;
let browser: Browser;
let server: RunningServer | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-classes-'));
  await writeBrightnessModel(join(folder, 'brightness'));
  await writeLuminanceModel(join(folder, 'luminance'));
  browser = await launchChromium();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true });
});

async function openDemo(model: string, viewport?: { width: number; height: number }): Promise<LivePage> {
  server = await startTestServer({ maskRateHz: '4', model: join(folder, model) });
  return LivePage.open(browser, server, { parameters: DEMO, ...(viewport && { context: { viewport } }) });
}

/** Runs in the page: the legend as it stands, and the colours in which pixels are lit. */
function readLegend() {
  const root = document.querySelector('avsac-live')!.shadowRoot!;
  const probe = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
  const rgbOf = (colour: string, ground = '#000') => {
    probe.fillStyle = ground;
    probe.fillRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const legend = root.querySelector<HTMLElement>('[part=legend]')!;
  const mask = root.querySelector<HTMLCanvasElement>('[part=mask]')!;
  const { data } = mask.getContext('2d')!.getImageData(0, 0, mask.width, mask.height);
  const lit = new Set<string>();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) lit.add(data.slice(i, i + 3).join());
  const luminance = (colour: readonly number[]) => {
    const [r, g, b] = colour.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const { backgroundColor, color } = getComputedStyle(legend);
  const contrasts = ['#000', '#fff'].map((picture) => {
    const behind = luminance(rgbOf(backgroundColor, picture));
    const text = luminance(rgbOf(color));
    return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
  });
  const [box, host] = [legend, root.host].map((element) => element.getBoundingClientRect()) as [DOMRect, DOMRect];
  return {
    label: legend.ariaLabel ?? legend.getAttribute('aria-label'),
    names: [...legend.querySelectorAll('li')].map((item) => item.textContent),
    swatches: [...legend.querySelectorAll('span')].map((swatch) =>
      rgbOf(getComputedStyle(swatch).backgroundColor).join(),
    ),
    lit: [...lit],
    contrast: Math.min(...contrasts),
    inside: box.left >= host.left && box.right <= host.right && box.top >= host.top && box.bottom <= host.bottom,
  };
}

test('every class that is lit has its own colour, and the legend names it', async () => {
  const live = await openDemo('brightness');
  await live.page.locator('avsac-live').evaluate((element) => element.setAttribute('opacity', '1'));
  const named = BRIGHTNESS_CLASSES.slice(1);
  const legend = await live.when(readLegend, ({ names, swatches, lit }) => {
    return names.length === named.length && swatches.every((colour) => lit.includes(colour));
  });
  expect(legend.names).toEqual(named);
  expect(new Set(legend.swatches).size).toBe(named.length);
  expect(legend.label).toBe('What sounds');
  await live.page.locator('avsac-live').evaluate((element) => element.removeAttribute('opacity'));
  await takeScreenshot(live, 'classes');
  await live.page.locator('#start').click();
  expect((await live.when(readLegend, ({ names }) => names.length === 0)).names).toEqual([]);
  await live.close();
});

test('at 360 pixels the legend lies on the picture and is readable in light and dark', async () => {
  const live = await openDemo('brightness', { width: 360, height: 740 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await live.page.emulateMedia({ colorScheme });
    const legend = await live.when(readLegend, ({ names }) => names.length > 1);
    expect(legend.inside).toBe(true);
    expect(legend.contrast).toBeGreaterThanOrEqual(LEAST_CONTRAST);
  }
  await live.close();
});

test('a model of one class has no legend', async () => {
  const live = await openDemo('luminance');
  await live.page.locator('avsac-live').evaluate((element) => element.setAttribute('opacity', '1'));
  const { names } = await live.when(readLegend, ({ lit }) => lit.length > 0);
  expect(names).toEqual([]);
  await live.close();
});
