import { describe, expect, it } from 'vitest';
import { Access, type Visitor } from './access.ts';

const TOKEN = 'a-token-of-sixteen-or-more';

function visitor(headers: Visitor['headers'] = {}, ip = '127.0.0.1', hostname = 'localhost'): Visitor {
  return { headers, ip, hostname };
}

function refusal(access: Access, who: Visitor): string | undefined {
  try {
    access.check(who);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('without tokens', () => {
  const access = new Access([]);

  it.each([
    ['a program', visitor()],
    ['a program, by IPv6', visitor({}, '::1', '[::1]')],
    ['a program, by mapped IPv4', visitor({}, '::ffff:127.0.0.1', '127.0.0.1')],
    ['a page of this server', visitor({ origin: 'http://localhost:8080' })],
  ])('serves %s of this machine', (_who, who) => {
    expect(refusal(access, who)).toBeUndefined();
  });

  it.each([
    ['another machine', visitor({}, '192.0.2.7')],
    ['another machine, by a proxy on this one', visitor({ 'x-forwarded-for': '192.0.2.7' })],
    ['another machine, by a proxy of the standard', visitor({ forwarded: 'for=192.0.2.7' })],
    ['a page from elsewhere', visitor({ origin: 'https://elsewhere.example' })],
    ['a page without an origin', visitor({ origin: 'null' })],
    ['a page whose name was rebound to this machine', visitor({}, '127.0.0.1', 'elsewhere.example')],
    ['a token where none is known', visitor({ authorization: `Bearer ${TOKEN}` }, '192.0.2.7')],
  ])('refuses %s', (_who, who) => {
    expect(refusal(access, who)).toBe('local-only');
  });

  it.each([
    ['http://localhost:3000', true],
    ['http://127.0.0.1', true],
    ['http://[::1]:5173', true],
    ['https://elsewhere.example', false],
    ['http://localhost.elsewhere.example', false],
    ['null', false],
  ])('lets pages of %s read: %s', (origin, allowed) => {
    expect(access.allowsOrigin(origin)).toBe(allowed);
  });
});

describe('with tokens', () => {
  const access = new Access(['another-token-of-16', TOKEN]);

  it.each([
    [`Bearer ${TOKEN}`, undefined],
    [`bearer  ${TOKEN}`, undefined],
    [undefined, 'token-missing'],
    [`Basic ${TOKEN}`, 'token-missing'],
    ['Bearer ', 'token-missing'],
    [`Bearer ${TOKEN}x`, 'token-invalid'],
    [`Bearer ${TOKEN} more`, 'token-missing'],
  ])('answers %s with %s, from anywhere', (authorization, code) => {
    for (const ip of ['127.0.0.1', '192.0.2.7']) {
      expect(refusal(access, visitor({ authorization, origin: 'https://elsewhere.example' }, ip))).toBe(code);
    }
  });

  it('lets pages of any origin read', () => {
    expect(access.allowsOrigin('https://elsewhere.example')).toBe(true);
  });
});
