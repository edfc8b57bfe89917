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
    server = await startServerProcess(['--log-level', 'silent']);
  });
  afterAll(() => server.stop());

  /** In a process of its own: what libwebrtc keeps of closed connections is not the test's. */
  async function joinAndLeave(sessions: number): Promise<void> {
    const churn: Churn = { url: server.webSocketUrl, sessions };
    const path = fileURLToPath(new URL('../fixtures/churn.ts', import.meta.url));
    const publishers = spawn(process.execPath, [path, JSON.stringify(churn)], { stdio: 'inherit' });
    expect(await once(publishers, 'close')).toEqual([0, null]);
  }

  it(`leave nothing behind after ${SESSIONS} of them`, async () => {
    await joinAndLeave(WARM_UP);
    const before = await server.footprint();
    await joinAndLeave(SESSIONS - WARM_UP);
    const after = await server.footprint();
    expect(after.fileDescriptors).toBeLessThanOrEqual(before.fileDescriptors);
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    // The model inputs alone of 160 leaked sessions would be 360 MB; the heap's own ups and downs are some 50.
    expect(after.residentBytes).toBeLessThan(before.residentBytes + 100e6);
  });
});
