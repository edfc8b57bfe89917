/** The page in a person's hands: keyboard, light and dark, a telephone's width, a file of their own. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAILURES } from '../../client/failure.ts';
import type { RunningServer } from '../../server/service.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { contrastOfText, overflowingElements } from '../fixtures/page-layout.ts';
import { recordFile } from '../fixtures/recorded-file.ts';
import { startTestServer } from '../fixtures/running-server.ts';

const DEMO = { source: 'demo', seed: '9', autostart: '' };
const NARROW = { width: 360, height: 740 };
/** WCAG 2.2, success criterion 1.4.3. */
const LEAST_CONTRAST = 4.5;

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  server = await startTestServer({ maskRateHz: '4' });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test('every control is reached and worked with the keyboard, and shows that it has the focus', async () => {
  const live = await LivePage.open(browser, server);
  const { page } = live;
  const press = (key: string) => page.keyboard.press(key);
  const focused = () =>
    page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('value'));
  const outlined = () =>
    page.evaluate(() => {
      const focus = document.activeElement!;
      const shown = focus instanceof HTMLInputElement && focus.type === 'radio' ? focus.nextElementSibling! : focus;
      return getComputedStyle(shown).outlineStyle !== 'none';
    });
  const tabTo = async (id: string) => {
    await press('Tab');
    expect(await focused()).toBe(id);
    expect(await outlined(), id).toBe(true);
  };
  const attribute = (name: string) => page.locator('avsac-live').getAttribute(name);

  await tabTo('demo');
  await press('ArrowRight');
  expect(await focused()).toBe('camera');
  await press('ArrowLeft');
  await tabTo('start');
  await press('Enter');
  await live.figuresWhen(({ state }) => state === 'live');
  await tabTo('fill');
  await press('ArrowRight');
  expect(await attribute('render')).toBe('outline');
  await tabTo('opacity');
  await press('ArrowRight');
  expect(await attribute('opacity')).toBe('0.6');
  await tabTo('listen');
  await press('Space');
  expect(await page.locator('#listen').isChecked()).toBe(true);
  await tabTo('fullscreen');
  await press('Enter');
  await live.when(
    () => document.fullscreenElement?.localName,
    (element) => element === 'avsac-live',
  );
  await page.evaluate(() => document.exitFullscreen());
  await page.locator('#start').focus();
  await press('Space');
  await live.figuresWhen(({ state }) => state === 'idle');
  await live.close();
});

test('light and dark both are readable, and at 360 pixels nothing lies outside the screen', async () => {
  const context = { viewport: NARROW, reducedMotion: 'reduce' } as const;
  const live = await LivePage.open(browser, server, { parameters: DEMO, context });
  await live.figuresWhen(({ masksShown, server: stats }) => masksShown > 0 && stats !== undefined);
  const backgrounds = new Set<string>();
  for (const colorScheme of ['light', 'dark'] as const) {
    await live.page.emulateMedia({ colorScheme });
    const texts = await live.page.evaluate(contrastOfText);
    expect(texts.length).toBeGreaterThan(20);
    expect(texts.filter(({ contrast }) => contrast < LEAST_CONTRAST)).toEqual([]);
    expect(await live.page.evaluate(overflowingElements)).toEqual([]);
    backgrounds.add(await live.page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  }
  expect(backgrounds.size).toBe(2);
  await live.close();
});

test('a video file of the person’s own is played in a loop and sent', async () => {
  const live = await LivePage.open(browser, server, { parameters: { source: 'file' } });
  const { base64, durationMs } = await live.page.evaluate(recordFile);
  const file = { name: 'own.webm', mimeType: 'video/webm', buffer: Buffer.from(base64, 'base64') };
  await live.page.locator('#file').setInputFiles(file);
  const first = await live.figuresWhen(({ masksShown }) => masksShown > 0);
  const firstMs = await live.page.evaluate(() => performance.now());
  const nowMs = await live.when(
    () => performance.now(),
    (ms) => ms > firstMs + 2 * durationMs,
  );
  expect(nowMs).toBeGreaterThan(firstMs);
  const second = await live.figuresWhen(({ masksShown }) => masksShown > first.masksShown + 10);
  expect(second).toMatchObject({ state: 'live', server: { frameWidth: 320, frameHeight: 240 } });
  await live.close();
});

test('a file that cannot be played is refused with its sentence', async () => {
  const live = await LivePage.open(browser, server, { parameters: { source: 'file' } });
  const file = { name: 'notes.mp4', mimeType: 'video/mp4', buffer: Buffer.from('not a video') };
  await live.page.locator('#file').setInputFiles(file);
  await live.messageWith(FAILURES['file-unplayable'].message);
  await live.messageWith(FAILURES['file-unplayable'].remedy);
  await live.close();
});

test('a browser without MediaStreamTrackProcessor says which API stands in, and draws masks with it', async () => {
  const live = await LivePage.open(browser, server, {
    parameters: DEMO,
    before: (page) => page.addInitScript(() => Reflect.deleteProperty(globalThis, 'MediaStreamTrackProcessor')),
  });
  await live.messageWith(FAILURES['frames-approximate'].message);
  const figures = await live.figuresWhen(({ masksShown }) => masksShown > 10);
  expect(figures.frameTap).toBe('requestVideoFrameCallback');
  await live.close();
});

describe('camera and microphone', () => {
  test.for([
    ['permission is refused', '--use-fake-ui-for-media-stream=deny', 'permission-denied'],
    ['there is no camera', '--use-fake-device-for-media-stream=device-count=0', 'device-missing'],
  ] as const)('when %s the page says so and what to do', async ([, flag, code]) => {
    const other = await launchChromium(['--use-fake-device-for-media-stream', flag]);
    const live = await LivePage.open(other, server, { parameters: { source: 'camera' } });
    await live.page.locator('#start').click();
    await live.messageWith(FAILURES[code].message);
    await live.messageWith(FAILURES[code].remedy);
    expect(await live.page.locator('#start').textContent()).toBe('Start');
    await live.close();
    await other.close();
  });
});
