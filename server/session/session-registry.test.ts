import type { MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ErrorCode } from '../../shared/errors.ts';
import type { Notice, ServerMessage } from '../../shared/signalling.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import { serveSegmenter } from '../inference/port-segmenter.ts';
import { Admission } from './admission.ts';
import type { SessionOptions } from './session.ts';
import { type SessionClient, SessionRegistry } from './session-registry.ts';

const OPTIONS: Omit<SessionOptions, 'signalling'> = {
  maskRateHz: 10,
  peer: { iceServers: [], portRange: undefined, announcedAddresses: ['127.0.0.1'], videoBitrateBps: 1_200_000 },
};

const VIDEO_OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuv',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=setup:actpass',
  'a=rtcp-mux',
  'a=rtpmap:96 VP8/90000',
  'a=sendonly',
  '',
].join('\r\n');

const registries: SessionRegistry[] = [];
afterEach(async () => {
  await Promise.all(registries.splice(0).map((registry) => registry.close()));
});

/** A registry on a real media worker, and what its owner heard. */
function start(maxSessions = 10, options = OPTIONS, workerEntry?: URL) {
  const open: number[] = [];
  const ends: string[] = [];
  const failures: string[] = [];
  const segmenter = new FakeSegmenter(tinyManifest(), () => IMMEDIATE_LOGITS);
  const serve = (port: MessagePort) => serveSegmenter(segmenter, port);
  const observer = {
    sessions: (count: number) => open.push(count),
    sessionOpened: () => {},
    sessionEnded: (_sessionId: string, reason: string) => ends.push(reason),
    telemetry: () => {},
    failure: (_sessionId: string | undefined, message: string) => failures.push(message),
  };
  const registry = new SessionRegistry(1, new Admission(maxSessions), options, serve, observer, workerEntry);
  registries.push(registry);
  return { registry, open, ends, failures };
}

/** A client, the first message it got and how its session ended. */
function client() {
  const message = Promise.withResolvers<ServerMessage>();
  const end = Promise.withResolvers<[reason: string, error: ErrorCode | undefined]>();
  const side: SessionClient = { send: message.resolve, ended: (...how) => end.resolve(how) };
  return { ...side, message: message.promise, end: end.promise };
}

describe('SessionRegistry', () => {
  it('carries messages between clients and their sessions, and refuses one more than admitted', async () => {
    const { registry, open, ends } = start(2);
    await registry.ready();
    const [a, b] = [client(), client()];
    const sessions = [registry.open(a, 'websocket'), registry.open(b, 'websocket')];
    expect(sessions[0]!.sessionId).not.toBe(sessions[1]!.sessionId);
    expect(() => registry.open(client(), 'websocket')).toThrow(expect.objectContaining({ code: 'server-full' }));
    sessions[0]!.receive({ type: 'offer', sdp: 'nonsense' });
    await expect(a.message).resolves.toMatchObject({ type: 'error', code: 'sdp-invalid' });
    sessions[0]!.close('client-left');
    await expect(a.end).resolves.toEqual(['client-left', undefined]);
    expect(() => registry.open(client(), 'websocket')).not.toThrow();
    expect(open).toEqual([1, 2, 1, 2]);
    expect(ends).toEqual(['client-left']);
  });

  it('drains: tells clients, refuses new ones, and waits for the last to leave or for the drain time', async () => {
    const { registry } = start();
    const [a, b] = [client(), client()];
    const sessions = [registry.open(a, 'websocket'), registry.open(b, 'websocket')];
    await registry.drain(0);
    expect(registry.size).toBe(2);
    for (const one of [a, b]) {
      await expect(one.message).resolves.toEqual({ type: 'bye', reason: 'server-draining' });
    }
    expect(() => registry.open(client(), 'websocket')).toThrow(expect.objectContaining({ code: 'server-draining' }));
    const drained = registry.drain(600_000);
    for (const session of sessions) session.close('client-left');
    await drained;
    expect(registry.size).toBe(0);
  });

  it('tells its clients when it is closed', async () => {
    const { registry } = start();
    const one = client();
    registry.open(one, 'websocket');
    await registry.close();
    await expect(one.end).resolves.toEqual(['server-closed', undefined]);
    await registry.close();
  });

  it('lets a worker load to its end when it is closed amid that', async () => {
    const { registry, failures } = start();
    const ready = registry.ready();
    await registry.close();
    await expect(ready).resolves.toBeUndefined();
    expect(failures).toEqual([]);
  });

  it('ends a session that cannot be made, and that one alone', async () => {
    const { registry, failures } = start(10, { ...OPTIONS, peer: { ...OPTIONS.peer, iceServers: [7 as never] } });
    for (const failed of [1, 2]) {
      const one = client();
      registry.open(one, 'websocket');
      await expect(one.end).resolves.toEqual(['session-failed', 'internal']);
      expect(failures).toHaveLength(failed);
    }
    expect(registry.size).toBe(0);
  });

  it('ends the sessions of a worker that crashes, refuses others, and puts another in its place', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const crashing = new URL('../../test/fixtures/crashing-media-worker.ts', import.meta.url);
    const { registry, failures } = start(10, OPTIONS, crashing);
    for (const crashes of [1, 2]) {
      const one = client();
      registry.open(one, 'websocket');
      await expect(one.end).resolves.toEqual(['media-worker-crashed', 'internal']);
      expect(failures).toHaveLength(crashes);
      expect(() => registry.open(client(), 'websocket')).toThrow(expect.objectContaining({ code: 'server-starting' }));
      vi.runAllTimers();
    }
    vi.useRealTimers();
  });

  it('lists its sessions, and lets them be watched until they end', async () => {
    const { registry } = start();
    const one = client();
    const session = registry.open(one, 'whip');
    const { sessionId } = session;
    const heard: unknown[] = [];
    const watcher = {
      result: () => {},
      notice: ({ code }: Notice) => heard.push(code),
      ended: (reason: string) => heard.push(reason),
    };
    expect(() => registry.watch('another', watcher)).toThrow(expect.objectContaining({ code: 'session-unknown' }));
    const leave = Array.from({ length: 16 }, () => registry.watch(sessionId, { ...watcher }));
    expect(() => registry.watch(sessionId, watcher)).toThrow(expect.objectContaining({ code: 'feed-full' }));
    for (const end of [...leave, ...leave]) end();
    registry.watch(sessionId, watcher);
    expect(registry.list()).toEqual([{ sessionId, signalling: 'whip', openedAt: expect.any(Date), watchers: 1 }]);
    session.receive({ type: 'offer', sdp: VIDEO_OFFER });
    await one.message;
    session.close('client-left');
    await one.end;
    expect(heard).toEqual(['audio-missing', 'client-left']);
    expect(registry.list()).toEqual([]);
  });
});
