import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import { LibwebrtcPublisher } from '../fixtures/libwebrtc-publisher.ts';
import { type ServerProcess, startServerProcess } from '../fixtures/server-process.ts';

const SESSIONS = 200;
const WARM_UP = 40;

describe('sessions that come and go', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServerProcess();
  });
  afterAll(() => server.stop());

  it(`leaves nothing behind after ${SESSIONS} of them`, async () => {
    const scene = createDemoScene(9);
    const joinAndLeave = async () => {
      const publisher = await LibwebrtcPublisher.publish(server.webSocketUrl, scene);
      await publisher.masksReceived(1);
      await publisher.close();
    };
    for (let i = 0; i < WARM_UP; i++) await joinAndLeave();
    const before = await server.footprint();
    for (let i = WARM_UP; i < SESSIONS; i++) await joinAndLeave();
    const after = await server.footprint();
    expect(after.fileDescriptors).toBeLessThanOrEqual(before.fileDescriptors + 2);
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    // 160 leaked sessions of 8 model inputs each would be 400 MB.
    expect(after.residentBytes).toBeLessThan(before.residentBytes + 60e6);
  }, 600_000);
});
