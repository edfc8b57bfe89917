import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MODEL } from '../../server/inference/shipped-models.ts';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import { LibwebrtcPublisher } from '../fixtures/libwebrtc-publisher.ts';
import { spawnServer, startServerProcess } from '../fixtures/server-process.ts';
import { SignallingClient } from '../fixtures/signalling-client.ts';

const EXIT_FAILURE = 1;

async function failure(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const run = spawnServer(args, env);
  expect(await run.exited).toBe(EXIT_FAILURE);
  return run.output();
}

describe('avsac-live serve', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'avsac-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('names every bad value and ends', async () => {
    const output = await failure(['serve', '--port', 'eighty'], { AVSAC_MAX_SESSIONS: '0' });
    expect(output).toContain('--port is "eighty"');
    expect(output).toContain('AVSAC_MAX_SESSIONS is "0"');
  });

  it('says that its port is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const output = await failure(['serve', '--port', String(port)]);
    expect(output).toContain(`port ${port}`);
    expect(output).toContain('--port');
    await new Promise((resolve) => blocker.close(resolve));
  });

  it('says that the model is missing, and where it looked', async () => {
    const output = await failure(['serve', '--port', '0', '--model', join(folder, 'nowhere')]);
    expect(output).toContain(join(folder, 'nowhere'));
    expect(output).toContain('AVSAC_MODEL');
  });

  it('refuses a model that is not the one its manifest describes', async () => {
    const altered = join(folder, 'altered');
    await cp(DEFAULT_MODEL, altered, { recursive: true });
    await writeFile(join(altered, 'avsac-live.onnx'), 'not a model');
    expect(await failure(['serve', '--port', '0', '--model', altered])).toContain('checksum');
  });

  it('drains on SIGTERM: tells its clients, refuses new ones, and ends when the last has left', async () => {
    const server = await startServerProcess(['--drain-ms', '60000']);
    const publisher = await LibwebrtcPublisher.publish(server.webSocketUrl, createDemoScene(9));
    await publisher.masksReceived(3);
    const stopped = server.stop();
    expect((await publisher.signalling.next('bye')).reason).toBe('server-draining');
    expect((await fetch(`${server.url}readyz`)).status).toBe(503);
    const late = new SignallingClient(server.webSocketUrl);
    expect((await late.next('error')).code).toBe('server-draining');
    const { length } = publisher.masks;
    await publisher.masksReceived(length + 5);
    await publisher.close();
    expect(await stopped).toBe(0);
  });

  it('has a doctor that finds nothing wrong with a machine that serves', async () => {
    const run = spawnServer(['doctor', '--port', '0']);
    expect(await run.exited).toBe(0);
    expect(run.output()).toMatch(/ok {4}model: avsac-live/);
    expect(run.output()).toMatch(/ok {4}execution provider: cpu; cuda passed over: /);
    expect(run.output()).not.toContain('FAIL');
  });
});
