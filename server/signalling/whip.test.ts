import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { AvsacError, type ErrorCode } from '../../shared/errors.ts';
import type { ClientMessage, ServerMessage } from '../../shared/signalling.ts';
import { type App, createApp } from '../app.ts';
import { Admission } from '../session/admission.ts';
import type { Signalling } from '../session/session.ts';
import type { SessionClient, SessionGallery, SessionHost } from '../session/session-registry.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Access } from './access.ts';

const TOKEN = 'a-token-of-sixteen-or-more';
const FRAGMENT = 'application/trickle-ice-sdpfrag';

const offer = (credentials = 'a=ice-ufrag:ufrag\r\na=ice-pwd:passwordpasswordpassword', ...more: string[]) =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'a=mid:0',
    credentials,
    'a=sendonly',
    ...more,
    '',
  ].join('\r\n');
const answer = (generation: number) =>
  `v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:ours${generation}\r\na=ice-pwd:p\r\na=recvonly\r\n`;
const fragment = (ufrag: string, ...candidates: string[]) =>
  [
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'a=mid:0',
    `a=ice-ufrag:${ufrag}`,
    'a=ice-pwd:passwordpasswordpassword',
    ...candidates,
    '',
  ].join('\r\n');
const CANDIDATE = 'a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host';

/** Answers each offer, or leaves that to the test. */
class FakeHost implements SessionHost, SessionGallery {
  readonly received: ClientMessage[] = [];
  readonly closings: string[] = [];
  client!: SessionClient;
  signalling: Signalling | undefined;
  reply: ((count: number) => ServerMessage | undefined) | undefined = (count) => ({
    type: 'answer',
    sdp: answer(count),
  });
  refusal: ErrorCode | undefined;

  open(client: SessionClient, signalling: Signalling) {
    if (this.refusal) throw new AvsacError(this.refusal, 'for the test');
    this.client = client;
    this.signalling = signalling;
    return {
      sessionId: 'id',
      receive: (message: ClientMessage) => {
        this.received.push(message);
        const reply = message.type === 'offer' && this.reply?.(this.offers.length);
        if (reply) queueMicrotask(() => client.send(reply));
      },
      close: (reason: string) => {
        this.closings.push(reason);
        queueMicrotask(() => client.ended(reason, undefined));
      },
    };
  }

  list = () => [];
  watch = () => () => {};

  get offers(): string[] {
    return this.received.flatMap((message) => (message.type === 'offer' ? [message.sdp] : []));
  }
}

let app: App;
afterEach(() => app.close());

async function create(tokens: readonly string[] = [], starting = false) {
  const host = new FakeHost();
  const iceServers = [
    { urls: 'stun:stun.example.net' },
    { urls: 'turn:turn.example.net?transport=udp', username: 'us"er', credential: 'pass\\word' },
  ];
  const model = {
    name: 'm',
    version: '1',
    classes: [],
    inputWidth: 8,
    inputHeight: 8,
    windowLength: 5,
    threshold: 0.5,
    executionProvider: 'cpu',
  };
  const service = { registry: host, welcome: { iceServers, maskRateHz: 10, model }, ready: () => true };
  app = await createApp({
    admission: new Admission(1),
    access: new Access(tokens),
    metrics: new Metrics(),
    service: () => (starting ? undefined : service),
    clientFolder: '/nonexistent',
    logLevel: 'silent',
  });
  return host;
}

const request = (options: InjectOptions) => app.inject({ headers: { host: 'localhost' }, ...options });
const post = (payload: string, headers: Record<string, string> = {}) =>
  request({
    method: 'POST',
    url: '/whip',
    payload,
    headers: { host: 'localhost', 'content-type': 'application/sdp', ...headers },
  });
const patch = (payload: string, ifMatch?: string, contentType = FRAGMENT, url = '/whip/id') =>
  request({
    method: 'PATCH',
    url,
    payload,
    headers: {
      host: 'localhost',
      'content-type': contentType,
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    },
  });

describe('POST', () => {
  it('creates a session', async () => {
    const host = await create();
    const { statusCode, headers, body } = await post(offer());
    expect([statusCode, body]).toEqual([201, answer(1)]);
    expect(headers).toMatchObject({ 'content-type': 'application/sdp', location: '/whip/id', etag: '"id-1"' });
    expect(headers.link).toEqual([
      '<stun:stun.example.net>; rel="ice-server"',
      '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="us\\"er"; credential="pass\\\\word"; credential-type="password"',
      '</sessions/id/results>; rel="urn:avsac-live:results"',
    ]);
    expect(host.signalling).toBe('whip');
    expect(host.offers).toEqual([offer()]);
  });

  it.each<[string, number, string, string, Record<string, string>]>([
    ['another media type', 415, 'media-type-unsupported', offer(), { 'content-type': 'application/json' }],
    ['a fragment', 415, 'media-type-unsupported', fragment('ufrag'), { 'content-type': FRAGMENT }],
    ['an answer that is not accepted', 406, 'not-acceptable', offer(), { accept: 'application/json' }],
    ['no SDP', 400, 'sdp-invalid', 'hello', {}],
    ['too much', 413, 'message-too-large', 'x'.repeat(300_000), {}],
    ['a long offer', 400, 'request-invalid', 'x'.repeat(201_000), {}],
    ['media to receive', 422, 'ingest-unsupported', offer().replace('sendonly', 'recvonly'), {}],
    [
      'two pictures',
      422,
      'ingest-unsupported',
      offer(undefined, 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=sendonly'),
      {},
    ],
  ])('refuses %s with %d', async (_what, status, code, body, headers) => {
    const host = await create();
    const response = await post(body, headers);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toMatchObject({ type: `/errors/${code}`, code, status, title: expect.any(String) });
    expect(response.statusCode).toBe(status);
    expect(host.received).toEqual([]);
  });

  it('tells what the session refused, and ends it', async () => {
    const host = await create();
    const { code, publicMessage: message } = new AvsacError('media-refused', 'video as THEORA');
    host.reply = () => ({ type: 'error', code, message });
    const response = await post(offer());
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ code, detail: 'video as THEORA' });
    expect(host.closings).toEqual(['offer-refused']);
  });

  it('tells that the session ended before it answered', async () => {
    const host = await create();
    host.reply = undefined;
    const response = post(offer());
    await expect.poll(() => host.offers.length).toBe(1);
    host.client.ended('media-worker-crashed', 'internal');
    expect((await response).statusCode).toBe(500);
    expect((await request({ method: 'GET', url: '/whip/id' })).statusCode).toBe(404);
  });

  it.each([
    ['server-full', '10'],
    ['server-draining', '5'],
  ] as const)('says when to come back from %s', async (code, seconds) => {
    const host = await create();
    host.refusal = code;
    const { statusCode, headers } = await post(offer());
    expect([statusCode, headers['retry-after']]).toEqual([503, seconds]);
  });

  it('says when to come back while the server starts', async () => {
    await create([], true);
    const { statusCode, headers } = await post(offer());
    expect([statusCode, headers['retry-after']]).toEqual([503, '5']);
  });
});

describe('PATCH', () => {
  it('passes candidates on, those of other transports left out', async () => {
    const host = await create();
    const { headers } = await post(offer());
    const response = await patch(
      fragment('ufrag', CANDIDATE, 'a=candidate:2 1 quic 1 192.0.2.1 9 typ host'),
      String(headers.etag),
    );
    expect([response.statusCode, response.body, response.headers.etag]).toEqual([204, '', undefined]);
    expect(host.received.slice(1)).toEqual([
      {
        type: 'candidate',
        candidate: {
          candidate: '1 1 udp 2122260223 192.0.2.1 61764 typ host',
          sdpMid: '0',
          usernameFragment: 'ufrag',
        },
      },
    ]);
  });

  it.each(['*', '"*"', '"other", "id-1"'])('restarts ICE with If-Match: %s', async (ifMatch) => {
    const host = await create();
    await post(offer());
    const response = await patch(fragment('anew', CANDIDATE), ifMatch);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({ 'content-type': FRAGMENT, etag: '"id-2"' });
    expect(response.body).toContain('a=ice-ufrag:ours2\r\n');
    expect(host.offers[1]).toContain('a=ice-ufrag:anew\r\n');
    expect(host.offers[1]).toContain(CANDIDATE);
    expect((await patch(fragment('anew'), '"id-1"')).json()).toMatchObject({
      code: 'ice-session-outdated',
      status: 412,
    });
    expect((await patch(fragment('anew'), '"id-2"')).statusCode).toBe(204);
  });

  it.each<[string, number, string, Parameters<typeof patch>]>([
    ['no If-Match', 428, 'ice-session-unnamed', [fragment('ufrag')]],
    ['another If-Match', 412, 'ice-session-outdated', [fragment('ufrag'), '"id-0"']],
    ['a weak tag', 412, 'ice-session-outdated', [fragment('ufrag'), 'W/"id-1"']],
    ['another media type', 415, 'media-type-unsupported', [fragment('ufrag'), '*', 'application/sdp']],
    ['no fragment', 400, 'sdp-fragment-invalid', ['hello', '*']],
    ['nothing', 400, 'request-invalid', ['', '*']],
    ['no candidate', 400, 'candidate-invalid', [fragment('ufrag', 'a=candidate:hello'), '*']],
    ['another session', 404, 'session-unknown', [fragment('ufrag'), '*', FRAGMENT, '/whip/other']],
  ])('refuses %s with %d', async (_what, status, code, [payload, ...rest]) => {
    const host = await create();
    await post(offer());
    const response = await patch(payload, ...rest);
    expect(response.json()).toMatchObject({ code, status });
    expect(response.statusCode).toBe(status);
    expect(host.received).toHaveLength(1);
    expect(host.closings).toEqual([]);
  });

  it('keeps the ICE session when a restart fails, and the next one may succeed', async () => {
    const host = await create();
    await post(offer());
    const { code, publicMessage: message } = new AvsacError('sdp-invalid', 'no ICE credentials');
    host.reply = () => ({ type: 'error', code, message });
    expect((await patch(fragment('x'), '*')).json()).toMatchObject({ code: 'sdp-invalid' });
    expect(host.closings).toEqual([]);
    expect((await patch(fragment('ufrag'), '"id-1"')).statusCode).toBe(204);
    host.reply = (count) => ({ type: 'answer', sdp: answer(count) });
    expect((await patch(fragment('anew'), '*')).headers.etag).toBe('"id-2"');
  });

  it('refuses restarts that come faster than they are answered with 409', async () => {
    const host = await create();
    await post(offer());
    host.reply = undefined;
    const waiting = ['one', 'two'].map((ufrag) => patch(fragment(ufrag), '*'));
    await expect.poll(() => host.offers.length).toBe(3);
    const third = await patch(fragment('three'), '*');
    expect([third.statusCode, third.json().code]).toEqual([409, 'ice-restart-conflict']);
    for (const generation of [2, 3]) host.client.send({ type: 'answer', sdp: answer(generation) });
    const answered = await Promise.all(waiting);
    expect(answered.map(({ body }) => /ufrag:(\w+)/.exec(body)?.[1])).toEqual(['ours2', 'ours3']);
  });
});

describe('other methods', () => {
  it('DELETE ends the session', async () => {
    const host = await create();
    await post(offer());
    const remove = () =>
      request({ method: 'DELETE', url: '/whip/id', headers: { host: 'localhost', 'if-match': '"x"' } });
    expect((await remove()).statusCode).toBe(200);
    expect(host.closings).toEqual(['client-left']);
    expect((await remove()).statusCode).toBe(404);
  });

  it('GET and HEAD are empty', async () => {
    await create();
    await post(offer());
    for (const method of ['GET', 'HEAD'] as const) {
      for (const url of ['/whip', '/whip/id']) {
        const { statusCode, body } = await request({ method, url });
        expect([statusCode, body]).toEqual([204, '']);
      }
      expect((await request({ method, url: '/whip/other' })).statusCode).toBe(404);
    }
  });

  it.each([
    ['PUT', '/whip', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/whip', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/whip/id', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
  ] as const)('%s %s is not allowed', async (method, url, allow) => {
    await create();
    const { statusCode, headers } = await request({ method, url });
    expect([statusCode, headers.allow]).toEqual([405, allow]);
  });

  it('OPTIONS says what is taken', async () => {
    await create();
    const endpoint = await request({ method: 'OPTIONS', url: '/whip' });
    expect([endpoint.statusCode, endpoint.headers['accept-post']]).toEqual([200, 'application/sdp']);
    const session = await request({ method: 'OPTIONS', url: '/whip/id' });
    expect([session.statusCode, session.headers['accept-patch']]).toEqual([200, FRAGMENT]);
  });
});

describe('pages from elsewhere', () => {
  const preflight = (url: string, method: string) =>
    request({
      method: 'OPTIONS',
      url,
      headers: {
        host: 'localhost',
        origin: 'https://elsewhere.example',
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,if-match',
      },
    });

  it('may publish with a token', async () => {
    await create([TOKEN]);
    for (const [url, method] of [
      ['/whip', 'POST'],
      ['/whip/id', 'PATCH'],
      ['/whip/id', 'DELETE'],
    ] as const) {
      const { statusCode, headers } = await preflight(url, method);
      expect(statusCode).toBe(200);
      expect(headers['access-control-allow-origin']).toBe('https://elsewhere.example');
      expect(headers['access-control-allow-methods']).toContain(method);
      expect(headers['access-control-allow-headers']).toBe('authorization, content-type, if-match');
    }
    const response = await post(offer(), { origin: 'https://elsewhere.example', authorization: `Bearer ${TOKEN}` });
    expect(response.statusCode).toBe(201);
    expect(response.headers['access-control-expose-headers']).toContain('location');
  });

  it('may not, and read nothing, without', async () => {
    await create();
    expect((await preflight('/whip', 'POST')).headers['access-control-allow-origin']).toBeUndefined();
    const response = await post(offer(), { origin: 'https://elsewhere.example' });
    expect([response.statusCode, response.headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });
});

describe('tokens', () => {
  it.each([
    [undefined, 'token-missing', 'Bearer realm="avsac-live"'],
    ['Bearer nonsense', 'token-invalid', 'Bearer realm="avsac-live", error="invalid_token"'],
  ])('are asked for: %s', async (authorization, code, challenge) => {
    const host = await create([TOKEN]);
    const response = await post(offer(), authorization === undefined ? {} : { authorization });
    expect([response.statusCode, response.json().code]).toEqual([401, code]);
    expect(response.headers['www-authenticate']).toBe(challenge);
    expect(host.received).toEqual([]);
  });

  it('guard sessions and results too', async () => {
    await create([TOKEN]);
    await post(offer(), { authorization: `Bearer ${TOKEN}` });
    const guarded = [
      { method: 'PATCH', url: '/whip/id' },
      { method: 'DELETE', url: '/whip/id' },
      { method: 'GET', url: '/whip/id' },
      { method: 'GET', url: '/sessions' },
      { method: 'GET', url: '/sessions/id/results' },
    ] as const;
    for (const options of guarded) expect((await request(options)).statusCode, options.url).toBe(401);
  });
});
