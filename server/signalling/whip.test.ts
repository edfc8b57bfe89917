import { afterEach, describe, expect, it } from 'vitest';
import { AvsacError } from '../../shared/errors.ts';
import { answer, CANDIDATE, FRAGMENT, fragment, offer, WhipApp } from '../../test/fixtures/whip-app.ts';

let app: WhipApp;
afterEach(() => app.close());

describe('POST', () => {
  it('creates a session', async () => {
    app = await WhipApp.start();
    const { statusCode, headers, body } = await app.post(offer());
    expect([statusCode, body]).toEqual([201, answer(1)]);
    expect(headers).toMatchObject({ 'content-type': 'application/sdp', location: '/whip/id', etag: '"id-1"' });
    expect(headers.link).toEqual([
      '<stun:stun.example.net>; rel="ice-server"',
      '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="us\\"er"; credential="pass\\\\word"; credential-type="password"',
      '</sessions/id/results>; rel="urn:avsac-live:results"',
    ]);
    expect(app.host.signalling).toBe('whip');
    expect(app.host.offers).toEqual([offer()]);
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
    app = await WhipApp.start();
    const response = await app.post(body, headers);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toMatchObject({ type: `/errors/${code}`, code, status, title: expect.any(String) });
    expect(response.statusCode).toBe(status);
    expect(app.host.received).toEqual([]);
  });

  it('tells what the session refused, and ends it', async () => {
    app = await WhipApp.start();
    const { code, publicMessage: message } = new AvsacError('media-refused', 'video as THEORA');
    app.host.reply = () => ({ type: 'error', code, message });
    const response = await app.post(offer());
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ code, detail: 'video as THEORA' });
    expect(app.host.closings).toEqual(['offer-refused']);
  });

  it('tells that the session ended before it answered', async () => {
    app = await WhipApp.start();
    app.host.reply = undefined;
    const response = app.post(offer());
    await expect.poll(() => app.host.offers.length).toBe(1);
    app.host.client.ended('media-worker-crashed', 'internal');
    expect((await response).statusCode).toBe(500);
    expect((await app.request({ method: 'GET', url: '/whip/id' })).statusCode).toBe(404);
  });

  it.each([
    ['server-full', '10'],
    ['server-draining', '5'],
  ] as const)('says when to come back from %s', async (code, seconds) => {
    app = await WhipApp.start();
    app.host.refusal = code;
    const { statusCode, headers } = await app.post(offer());
    expect([statusCode, headers['retry-after']]).toEqual([503, seconds]);
  });

  it('says when to come back while the server starts', async () => {
    app = await WhipApp.start([], false);
    const { statusCode, headers } = await app.post(offer());
    expect([statusCode, headers['retry-after']]).toEqual([503, '5']);
  });
});

describe('PATCH', () => {
  it('passes candidates on, those of other transports left out', async () => {
    app = await WhipApp.start();
    const { headers } = await app.post(offer());
    const response = await app.patch(
      fragment('ufrag', CANDIDATE, 'a=candidate:2 1 quic 1 192.0.2.1 9 typ host'),
      String(headers.etag),
    );
    expect([response.statusCode, response.body, response.headers.etag]).toEqual([204, '', undefined]);
    expect(app.host.received.slice(1)).toEqual([
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
    app = await WhipApp.start();
    await app.post(offer());
    const response = await app.patch(fragment('anew', CANDIDATE), ifMatch);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({ 'content-type': FRAGMENT, etag: '"id-2"' });
    expect(response.body).toContain('a=ice-ufrag:ours2\r\n');
    expect(app.host.offers[1]).toContain('a=ice-ufrag:anew\r\n');
    expect(app.host.offers[1]).toContain(CANDIDATE);
    expect((await app.patch(fragment('anew'), '"id-1"')).json()).toMatchObject({
      code: 'ice-session-outdated',
      status: 412,
    });
    expect((await app.patch(fragment('anew'), '"id-2"')).statusCode).toBe(204);
  });

  it.each<[string, number, string, Parameters<WhipApp['patch']>]>([
    ['no If-Match', 428, 'ice-session-unnamed', [fragment('ufrag')]],
    ['another If-Match', 412, 'ice-session-outdated', [fragment('ufrag'), '"id-0"']],
    ['a weak tag', 412, 'ice-session-outdated', [fragment('ufrag'), 'W/"id-1"']],
    ['another media type', 415, 'media-type-unsupported', [fragment('ufrag'), '*', 'application/sdp']],
    ['no fragment', 400, 'sdp-fragment-invalid', ['hello', '*']],
    ['nothing', 400, 'request-invalid', ['', '*']],
    ['no candidate', 400, 'candidate-invalid', [fragment('ufrag', 'a=candidate:hello'), '*']],
    ['another session', 404, 'session-unknown', [fragment('ufrag'), '*', FRAGMENT, '/whip/other']],
  ])('refuses %s with %d', async (_what, status, code, [payload, ...rest]) => {
    app = await WhipApp.start();
    await app.post(offer());
    const response = await app.patch(payload, ...rest);
    expect(response.json()).toMatchObject({ code, status });
    expect(response.statusCode).toBe(status);
    expect(app.host.received).toHaveLength(1);
    expect(app.host.closings).toEqual([]);
  });

  it('keeps the ICE session when a restart fails, and the next one may succeed', async () => {
    app = await WhipApp.start();
    await app.post(offer());
    const { code, publicMessage: message } = new AvsacError('sdp-invalid', 'no ICE credentials');
    app.host.reply = () => ({ type: 'error', code, message });
    expect((await app.patch(fragment('x'), '*')).json()).toMatchObject({ code: 'sdp-invalid' });
    expect(app.host.closings).toEqual([]);
    expect((await app.patch(fragment('ufrag'), '"id-1"')).statusCode).toBe(204);
    app.host.reply = (count) => ({ type: 'answer', sdp: answer(count) });
    expect((await app.patch(fragment('anew'), '*')).headers.etag).toBe('"id-2"');
  });

  it('refuses restarts that come faster than they are answered with 409', async () => {
    app = await WhipApp.start();
    await app.post(offer());
    app.host.reply = undefined;
    const waiting = ['one', 'two'].map((ufrag) => app.patch(fragment(ufrag), '*'));
    await expect.poll(() => app.host.offers.length).toBe(3);
    const third = await app.patch(fragment('three'), '*');
    expect([third.statusCode, third.json().code]).toEqual([409, 'ice-restart-conflict']);
    for (const generation of [2, 3]) app.host.client.send({ type: 'answer', sdp: answer(generation) });
    const answered = await Promise.all(waiting);
    expect(answered.map(({ body }) => /ufrag:(\w+)/.exec(body)?.[1])).toEqual(['ours2', 'ours3']);
  });
});

describe('other methods', () => {
  it('DELETE ends the session', async () => {
    app = await WhipApp.start();
    await app.post(offer());
    const remove = () => app.request({ method: 'DELETE', url: '/whip/id', headers: { 'if-match': '"x"' } });
    expect((await remove()).statusCode).toBe(200);
    expect(app.host.closings).toEqual(['client-left']);
    expect((await remove()).statusCode).toBe(404);
  });

  it('GET and HEAD are empty', async () => {
    app = await WhipApp.start();
    await app.post(offer());
    for (const method of ['GET', 'HEAD'] as const) {
      for (const url of ['/whip', '/whip/id']) {
        const { statusCode, body } = await app.request({ method, url });
        expect([statusCode, body]).toEqual([204, '']);
      }
      expect((await app.request({ method, url: '/whip/other' })).statusCode).toBe(404);
    }
  });

  it.each([
    ['PUT', '/whip', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/whip', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/whip/id', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
  ] as const)('%s %s is not allowed', async (method, url, allow) => {
    app = await WhipApp.start();
    const { statusCode, headers } = await app.request({ method, url });
    expect([statusCode, headers.allow]).toEqual([405, allow]);
  });

  it('OPTIONS says what is taken', async () => {
    app = await WhipApp.start();
    const endpoint = await app.request({ method: 'OPTIONS', url: '/whip' });
    expect([endpoint.statusCode, endpoint.headers['accept-post']]).toEqual([200, 'application/sdp']);
    const session = await app.request({ method: 'OPTIONS', url: '/whip/id' });
    expect([session.statusCode, session.headers['accept-patch']]).toEqual([200, FRAGMENT]);
  });
});
