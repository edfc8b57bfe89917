/** Real browsers: each opens the server's page and publishes its demo scene. */
import type { Browser, Page } from 'playwright-core';
import { findChromium, launchChromium } from './chromium.ts';
import type { MaskSample } from './mask-sample.ts';
import { noteMasks } from './page-masks.ts';
import { nowMs } from './publisher.ts';
import type { StreamRecord } from './stream-record.ts';

/** Longest that a page may take to its first mask, ms. */
const FIRST_MASK_WITHIN_MS = 60_000;

interface OpenPage {
  readonly page: Page;
  readonly joinMs: number | undefined;
  readonly ended: StreamRecord['ended'];
}

export class ChromiumCrew {
  readonly #browser: Browser;
  readonly #pages: OpenPage[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** @throws Error when there is no Chromium. */
  static async start(): Promise<ChromiumCrew> {
    const path = findChromium();
    if (path === undefined) {
      throw new Error('--chromium needs a Chromium, and there is none; install it (Debian: apt-get install chromium).');
    }
    return new ChromiumCrew(await launchChromium(path));
  }

  /**
   * Opens one more page and waits for its first mask.
   * @param url of the server's page.
   * @throws Error when the server has no page.
   */
  async join(url: string): Promise<void> {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(noteMasks);
    const beganMs = nowMs();
    const demo = new URL(url);
    demo.search = new URLSearchParams({ source: 'demo', autostart: '', seed: String(this.#pages.length) }).toString();
    const response = await page.goto(demo.href);
    if (!response?.ok()) {
      throw new Error(
        `The server has no page for browsers (status ${response?.status()}); run npm run build:client first.`,
      );
    }
    const joined = await page
      .waitForFunction(() => window.loadtestMasks.length > 0, undefined, { timeout: FIRST_MASK_WITHIN_MS })
      .then(
        () => true,
        () => false,
      );
    const nowJoinedMs = nowMs();
    this.#pages.push({
      page,
      joinMs: joined ? nowJoinedMs - beganMs : undefined,
      ended: joined ? undefined : { code: 'no-mask', atMs: nowJoinedMs },
    });
  }

  /** @returns what the pages noted. @param firstStream number of the first. */
  async leave(firstStream: number): Promise<StreamRecord[]> {
    return Promise.all(
      this.#pages.map(async ({ page, joinMs, ended }, index): Promise<StreamRecord> => {
        const masks: MaskSample[] = await page.evaluate(() => window.loadtestMasks);
        await page.context().close();
        return { stream: firstStream + index, kind: 'chromium', joinMs, ended, masks, counts: undefined };
      }),
    );
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#browser.close();
  }
}
