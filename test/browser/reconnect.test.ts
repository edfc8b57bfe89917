/** A page whose server is full, or goes away, says so and comes back by itself. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
import { ERRORS } from '../../shared/errors.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { startTestServer, webSocketUrl } from '../fixtures/running-server.ts';
import { SignallingClient } from '../fixtures/signalling-client.ts';

const DEMO = { source: 'demo', seed: '9', autostart: '' };

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
});

test('a full server is named, and joined as soon as there is room', async () => {
  const server = await startTestServer({ maxSessions: '1', maskRateHz: '4' });
  const other = await SignallingClient.join(webSocketUrl(server));
  const live = await LivePage.open(browser, server, { parameters: DEMO });
  await live.messageWith(ERRORS['server-full'].message);
  await other.leave();
  await live.figuresWhen(({ state, masksShown }) => state === 'live' && masksShown > 0);
  await live.close();
  await server.close();
});

test('a server that went away is found again on its return', async () => {
  const first = await startTestServer({ maskRateHz: '4' });
  const live = await LivePage.open(browser, first, { parameters: DEMO });
  const before = await live.figuresWhen(({ masksShown }) => masksShown > 0);
  await first.close();
  await live.figuresWhen(({ state }) => state === 'reconnecting');
  await live.messageWith('by itself');
  const second = await startTestServer({ port: new URL(first.url).port, maskRateHz: '4' });
  await live.figuresWhen(
    ({ state, reconnects, masksShown }) => state === 'live' && reconnects > 0 && masksShown > before.masksShown,
  );
  await live.close();
  await second.close();
});
