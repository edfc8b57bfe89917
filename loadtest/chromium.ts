/** Headless Chromium as a publisher: playwright-core drives it. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where distributions put it. */
export const CHROMIUM_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
];

/** @returns the first of the paths that exists. */
export function findChromium(paths: readonly (string | undefined)[] = CHROMIUM_PATHS): string | undefined {
  return paths.find((path) => path !== undefined && existsSync(path));
}

/**
 * Starts it able to play sound and grant a camera without a person.
 * @param extraArgs e.g. a fake capture file.
 */
export function launchChromium(executablePath: string, extraArgs: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-ui-for-media-stream',
      // Host candidates as addresses: a headless machine has no mDNS responder to look names up with.
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      ...extraArgs,
    ],
  });
}
