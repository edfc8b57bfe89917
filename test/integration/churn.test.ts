import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Churn } from '../fixtures/churn.ts';
import { type ServerProcess, startServerProcess } from '../fixtures/server-process.ts';

const SESSIONS = 200;
const WARM_UP = 40;

describe('sessions that come and go', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    // Full collections: what is left is what is held, not what awaits the next one.
    server = await startServerProcess(['--log-level', 'silent'], ['--gc-global']);
  });
  afterAll(() => server.stop());

  /**
   * Until the server has seen `sessions` of them end. The publishers are a process of their own, so that what libwebrtc keeps
   * of closed connections is not measured; should libwebrtc crash, that is one more client that vanished.
   */
  async function joinAndLeave(sessions: number): Promise<void> {
    for (let left = sessions; left > 0; left = sessions - (await server.sessionsEnded())) {
      const churn: Churn = { url: server.webSocketUrl, sessions: left };
      const path = fileURLToPath(new URL('../fixtures/churn.ts', import.meta.url));
      await once(spawn(process.execPath, [path, JSON.stringify(churn)], { stdio: 'inherit' }), 'close');
    }
  }

  it(`leave nothing behind after ${SESSIONS} of them`, async () => {
    await joinAndLeave(WARM_UP);
    const before = await server.footprint();
    await joinAndLeave(SESSIONS);
    const after = await server.footprint();
    expect(after.fileDescriptors).toBeLessThanOrEqual(before.fileDescriptors);
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    // The model inputs alone of 160 leaked sessions would be 360 MB; the heap's own ups and downs are some 50.
    expect(after.residentBytes).toBeLessThan(before.residentBytes + 100e6);
  });
});
