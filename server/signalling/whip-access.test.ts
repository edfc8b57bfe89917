import { afterEach, describe, expect, it } from 'vitest';
import { offer, WhipApp } from '../../test/fixtures/whip-app.ts';

const TOKEN = 'a-token-of-sixteen-or-more';

let app: WhipApp;
afterEach(() => app.close());

describe('pages from elsewhere', () => {
  const preflight = (url: string, method: string) =>
    app.request({
      method: 'OPTIONS',
      url,
      headers: {
        origin: 'https://elsewhere.example',
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,if-match',
      },
    });

  it('may publish with a token', async () => {
    app = await WhipApp.start([TOKEN]);
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
    const response = await app.post(offer(), { origin: 'https://elsewhere.example', authorization: `Bearer ${TOKEN}` });
    expect(response.statusCode).toBe(201);
    expect(response.headers['access-control-expose-headers']).toContain('location');
  });

  it('may not, and read nothing, without', async () => {
    app = await WhipApp.start();
    expect((await preflight('/whip', 'POST')).headers['access-control-allow-origin']).toBeUndefined();
    const response = await app.post(offer(), { origin: 'https://elsewhere.example' });
    expect([response.statusCode, response.headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });
});

describe('tokens', () => {
  it.each([
    [undefined, 'token-missing', 'Bearer realm="avsac-live"'],
    ['Bearer nonsense', 'token-invalid', 'Bearer realm="avsac-live", error="invalid_token"'],
  ])('are asked for: %s', async (authorization, code, challenge) => {
    app = await WhipApp.start([TOKEN]);
    const response = await app.post(offer(), authorization === undefined ? {} : { authorization });
    expect([response.statusCode, response.json().code]).toEqual([401, code]);
    expect(response.headers['www-authenticate']).toBe(challenge);
    expect(app.host.received).toEqual([]);
  });

  it('guard sessions and results too', async () => {
    app = await WhipApp.start([TOKEN]);
    await app.post(offer(), { authorization: `Bearer ${TOKEN}` });
    const guarded = [
      { method: 'PATCH', url: '/whip/id' },
      { method: 'DELETE', url: '/whip/id' },
      { method: 'GET', url: '/whip/id' },
      { method: 'GET', url: '/sessions' },
      { method: 'GET', url: '/sessions/id/results' },
    ] as const;
    for (const options of guarded) expect((await app.request(options)).statusCode, options.url).toBe(401);
  });
});
