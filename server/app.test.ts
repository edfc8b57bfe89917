import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AvsacError, ERRORS } from '../shared/errors.ts';
import { MAX_SIGNALLING_BYTES } from '../shared/signalling.ts';
import { SignallingClient } from '../test/fixtures/signalling-client.ts';
import { type App, type AppParts, createApp, type Service } from './app.ts';
import { Admission } from './session/admission.ts';
import type { SessionGallery, SessionHost } from './session/session-registry.ts';
import { Access } from './signalling/access.ts';
import { Metrics } from './telemetry/metrics.ts';

const MODEL = {
  name: 'm',
  version: '1',
  classes: ['sounding'],
  inputWidth: 8,
  inputHeight: 8,
  windowLength: 5,
  threshold: 0.5,
  executionProvider: 'cpu',
};

/** Admits as the registry does, and answers each offer with itself. */
const echo = (admission: Admission): SessionHost & SessionGallery => ({
  list: () => [],
  watch: () => {
    throw new AvsacError('session-unknown');
  },
  open: (client) => {
    admission.admit(0);
    return {
      sessionId: 'id',
      receive: (message) => message.type === 'offer' && client.send({ type: 'answer', sdp: message.sdp }),
      close: (reason) => client.ended(reason, undefined),
    };
  },
});

let app: App;
afterEach(() => app.close());

async function create(state: 'starting' | 'ready' | 'model-failed', parts: Partial<AppParts> = {}): Promise<AppParts> {
  const admission = new Admission(1);
  const service: Service = {
    registry: echo(admission),
    welcome: { iceServers: [], maskRateHz: 10, model: MODEL },
    ready: () => state === 'ready',
  };
  const all: AppParts = {
    admission,
    access: new Access([]),
    metrics: new Metrics(),
    service: () => (state === 'starting' ? undefined : service),
    clientFolder: '/nonexistent',
    logLevel: 'silent',
    ...parts,
  };
  app = await createApp(all);
  return all;
}

async function connect(): Promise<SignallingClient> {
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return new SignallingClient(`${url.replace('http', 'ws')}/ws`);
}

describe('health', () => {
  it.each(['starting', 'ready', 'model-failed'] as const)('is live while %s', async (state) => {
    await create(state);
    const { statusCode, body } = await app.inject('/livez');
    expect([statusCode, body]).toEqual([200, '{"status":"live"}']);
  });

  it.each([
    ['starting', 503, { status: 'starting' }],
    ['ready', 200, { status: 'ready', model: MODEL }],
    ['model-failed', 503, { status: 'model-failed' }],
  ] as const)('tells %s by its readiness', async (state, code, body) => {
    await create(state);
    const response = await app.inject('/readyz');
    expect([response.statusCode, response.json()]).toEqual([code, body]);
  });

  it('is not ready while draining', async () => {
    const { admission } = await create('ready');
    admission.drain();
    const response = await app.inject('/readyz');
    expect([response.statusCode, response.json()]).toEqual([503, { status: 'draining' }]);
  });

  it('gives its metrics to Prometheus', async () => {
    const { metrics } = await create('starting');
    metrics.sessions(7);
    const { statusCode, headers, body } = await app.inject('/metrics');
    expect([statusCode, headers['content-type']]).toEqual([200, metrics.contentType]);
    expect(body).toContain('\navsac_sessions 7\n');
  });
});

describe('signalling', () => {
  it('serves a client', async () => {
    await create('ready');
    const client = await connect();
    await expect(client.next('welcome')).resolves.toMatchObject({ sessionId: 'id', model: MODEL, maskRateHz: 10 });
    client.send({ type: 'offer', sdp: 'v=0' });
    await expect(client.next('answer')).resolves.toEqual({ type: 'answer', sdp: 'v=0' });
    client.send({ type: 'bye' });
    await expect(client.next('bye')).resolves.toEqual({ type: 'bye', reason: 'client-left' });
    await expect(client.closed).resolves.toBe(1000);
  });

  it.each(['server-starting', 'server-draining'] as const)('refuses a client with %s', async (code) => {
    const { admission } = await create(code === 'server-starting' ? 'starting' : 'ready');
    if (code === 'server-draining') admission.drain();
    const client = await connect();
    await expect(client.next('error')).resolves.toEqual({ type: 'error', code, message: ERRORS[code].message });
    await expect(client.closed).resolves.toBe(ERRORS[code].closeCode);
  });

  it('hangs up on a message that is too large', async () => {
    await create('ready');
    const client = await connect();
    await client.next('welcome');
    client.sendRaw('x'.repeat(MAX_SIGNALLING_BYTES + 1));
    await expect(client.closed).resolves.toBe(ERRORS['message-too-large'].closeCode);
  });
});

describe('the page', () => {
  it('is served with a policy that lets it use WebSockets and workers, and nothing from elsewhere', async () => {
    const clientFolder = await mkdtemp(join(tmpdir(), 'avsac-page-'));
    try {
      await writeFile(join(clientFolder, 'index.html'), '<title>page</title>');
      await create('ready', { clientFolder });
      const { statusCode, headers, body } = await app.inject('/');
      expect([statusCode, body]).toEqual([200, '<title>page</title>']);
      const policy = headers['content-security-policy'];
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("connect-src 'self' ws: wss:");
      expect(policy).toContain("worker-src 'self'");
      expect(policy).not.toContain('unsafe-inline');
      expect(policy).not.toContain('upgrade-insecure-requests');
    } finally {
      await rm(clientFolder, { recursive: true });
    }
  });

  it('says how to build it when it has not been', async () => {
    await create('ready');
    const { statusCode, body } = await app.inject('/');
    expect(statusCode).toBe(503);
    expect(body).toContain('npm run build:client');
  });
});

describe('errors', () => {
  it('tells the code of the project’s errors, and of its own no more than that', async () => {
    await create('ready', {
      metrics: Object.assign(new Metrics(), {
        text: () => Promise.reject(new Error('a secret')),
      }),
    });
    const response = await app.inject('/metrics');
    expect(response.statusCode).toBe(500);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toEqual({
      type: '/errors/internal',
      title: ERRORS.internal.message,
      status: 500,
      code: 'internal',
    });
  });

  it('refuses a flood from one address', async () => {
    await create('ready');
    const flood = Array.from({ length: 3001 }, () => app.inject('/livez'));
    const last = (await Promise.all(flood)).at(-1)!;
    expect([last.statusCode, last.json().code]).toEqual([429, 'rate-limited']);
  });
});
