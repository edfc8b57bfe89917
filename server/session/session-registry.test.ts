import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../shared/errors.ts';
import type { ServerMessage } from '../../shared/signalling.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import { serveSegmenter } from '../inference/port-segmenter.ts';
import { Admission } from './admission.ts';
import type { SessionOptions } from './session.ts';
import { type SessionClient, SessionRegistry } from './session-registry.ts';

const OPTIONS: SessionOptions = {
  maskRateHz: 10,
  peer: { iceServers: [], portRange: undefined, announcedAddresses: ['127.0.0.1'] },
};

let registry: SessionRegistry;
afterEach(() => registry.close());

/** A registry on real media workers, and what its owner heard. */
async function start(maxSessions = 10, options = OPTIONS) {
  const open: number[] = [];
  const ends: string[] = [];
  const failures: string[] = [];
  const segmenter = new FakeSegmenter(tinyManifest(), () => IMMEDIATE_LOGITS);
  registry = new SessionRegistry(2, new Admission(maxSessions), options, (port) => serveSegmenter(segmenter, port), {
    sessions: (count) => open.push(count),
    sessionEnded: (_sessionId, reason) => ends.push(reason),
    telemetry: () => {},
    failure: (_sessionId, message) => failures.push(message),
  });
  await registry.ready();
  return { open, ends, failures };
}

/** A client, the first message it got and how its session ended. */
function client() {
  const message = Promise.withResolvers<ServerMessage>();
  const end = Promise.withResolvers<[reason: string, error: ErrorCode | undefined]>();
  const side: SessionClient = { send: message.resolve, ended: (...how) => end.resolve(how) };
  return { ...side, message: message.promise, end: end.promise };
}

describe('SessionRegistry', () => {
  it('carries messages between a client and its session on a media worker', async () => {
    const { open, ends } = await start();
    const [a, b] = [client(), client()];
    const sessions = [registry.open(a), registry.open(b)];
    expect(new Set(sessions.map(({ sessionId }) => sessionId)).size).toBe(2);
    sessions[0]!.receive({ type: 'offer', sdp: 'nonsense' });
    await expect(a.message).resolves.toMatchObject({ type: 'error', code: 'sdp-invalid' });
    sessions[0]!.close('client-left');
    await expect(a.end).resolves.toEqual(['client-left', undefined]);
    expect(registry.size).toBe(1);
    expect(open).toEqual([1, 2, 1]);
    expect(ends).toEqual(['client-left']);
  });

  it('refuses one session more than admitted, until one has ended', async () => {
    await start(1);
    const first = client();
    const session = registry.open(first);
    expect(() => registry.open(client())).toThrow(expect.objectContaining({ code: 'server-full' }));
    session.close('client-left');
    await first.end;
    expect(() => registry.open(client())).not.toThrow();
  });

  it('drains: tells clients, refuses new ones and waits for the last to leave', async () => {
    await start();
    const [a, b] = [client(), client()];
    const sessions = [registry.open(a), registry.open(b)];
    const drained = registry.drain(600_000);
    for (const one of [a, b]) {
      await expect(one.message).resolves.toEqual({ type: 'bye', reason: 'server-draining' });
    }
    expect(() => registry.open(client())).toThrow(expect.objectContaining({ code: 'server-draining' }));
    for (const session of sessions) session.close('client-left');
    await drained;
    expect(registry.size).toBe(0);
  });

  it('waits no longer than the drain time, and ends the rest when closed', async () => {
    await start();
    const staying = client();
    registry.open(staying);
    await registry.drain(0);
    expect(registry.size).toBe(1);
    await registry.close();
    await expect(staying.end).resolves.toEqual(['server-closed', undefined]);
    await registry.close();
  });

  it('ends the sessions of a worker that crashes, and puts another in its place', async () => {
    // What a session cannot be made of stands for any error that no one catches.
    const { failures } = await start(10, { ...OPTIONS, peer: { ...OPTIONS.peer, iceServers: [7 as never] } });
    for (let crash = 1; crash <= 3; crash++) {
      const one = client();
      registry.open(one);
      await expect(one.end).resolves.toEqual(['media-worker-crashed', 'internal']);
      expect(failures).toHaveLength(crash);
    }
    expect(registry.size).toBe(0);
    await registry.ready();
  });
});
