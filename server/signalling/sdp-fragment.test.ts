import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AvsacError } from '../../shared/errors.ts';
import { parseOffer } from '../peer/sdp-offer.ts';
import { fragmentOfAnswer, parseFragment, restartOffer } from './sdp-fragment.ts';

const CANDIDATE = '1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1';
/** RFC 9725, figure 6, shortened. */
const FRAGMENT = [
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'a=ice-ufrag:EsAw',
  'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1',
  `a=candidate:${CANDIDATE}`,
  'a=end-of-candidates',
  '',
].join('\r\n');
const CREDENTIALS = { usernameFragment: 'EsAw', password: 'P2uYro0UCOQ4zxjKXaWCBui1' };

const OFFER = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'a=ice-ufrag:old',
  'a=ice-pwd:oldoldoldoldoldoldoldold',
  'a=candidate:1 1 udp 1 192.0.2.9 9 typ host',
  'a=end-of-candidates',
  'a=sendonly',
  'm=video 0 UDP/TLS/RTP/SAVPF 96',
  'a=mid:1',
  'a=ice-ufrag:old',
  'a=ice-pwd:oldoldoldoldoldoldoldold',
  'a=sendonly',
  '',
].join('\r\n');

describe('parseFragment', () => {
  it('reads the fragment of the RFC', () => {
    expect(parseFragment(FRAGMENT)).toEqual({
      credentials: CREDENTIALS,
      candidates: [{ mid: '0', candidate: CANDIDATE }],
    });
  });

  it('reads credentials of session level, bare line feeds, and fragments without credentials', () => {
    const session = 'a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\nm=audio 9 RTP/AVP 0\na=mid:0\n';
    expect(parseFragment(session)).toEqual({ credentials: CREDENTIALS, candidates: [] });
    expect(parseFragment('m=audio 9 RTP/AVP 0\r\na=mid:0\r\n').credentials).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['prose', 'hello'],
    ['no section', 'a=ice-ufrag:a\r\na=ice-pwd:b\r\n'],
    ['half the credentials', 'm=audio 9 RTP/AVP 0\r\na=ice-ufrag:a\r\n'],
    ['a bad media line', 'm=audio\r\n'],
  ])('refuses %s', (_what, body) => {
    expect(() => parseFragment(body)).toThrow(expect.objectContaining({ code: 'sdp-fragment-invalid' }));
  });

  it("throws nothing but the project's error, whatever comes", () => {
    const line = fc.oneof(fc.string(), fc.constantFrom(...FRAGMENT.split('\r\n')));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        try {
          parseFragment(lines.join('\r\n'));
        } catch (error) {
          expect(error).toBeInstanceOf(AvsacError);
        }
      }),
    );
  });
});

describe('restartOffer', () => {
  it('puts new credentials and candidates in place of the old, and leaves the rest', () => {
    const restarted = restartOffer(OFFER, CREDENTIALS, [
      { mid: '0', candidate: CANDIDATE },
      { mid: 'unknown', candidate: CANDIDATE },
    ]);
    expect(restarted).not.toContain('old');
    expect(restarted).not.toContain('192.0.2.9');
    const { sections, bundle } = parseOffer(restarted);
    expect(bundle).toEqual(['0', '1']);
    expect(sections.map(({ mid, direction }) => [mid, direction])).toEqual([
      ['0', 'sendonly'],
      ['1', 'sendonly'],
    ]);
    for (const { usernameFragment, password } of sections) expect({ usernameFragment, password }).toEqual(CREDENTIALS);
    expect(sections.map(({ candidates }) => candidates)).toEqual([[CANDIDATE], []]);
  });
});

describe('fragmentOfAnswer', () => {
  it('keeps the ICE of the section that carries the transport', () => {
    const answer = [
      'v=0',
      'a=group:BUNDLE 1',
      'm=audio 0 UDP/TLS/RTP/SAVPF 111',
      'a=mid:0',
      'm=video 9 UDP/TLS/RTP/SAVPF 96',
      'a=mid:1',
      'a=ice-ufrag:ours',
      'a=ice-pwd:ourpasswordourpasswordou',
      'a=ice-options:trickle',
      'a=candidate:1 1 udp 5 192.0.2.1 4000 typ host',
      'a=end-of-candidates',
      'a=recvonly',
      '',
    ].join('\r\n');
    expect(fragmentOfAnswer(answer).split('\r\n')).toEqual([
      'a=ice-options:trickle',
      'a=group:BUNDLE 1',
      'm=video 9 UDP/TLS/RTP/SAVPF 96',
      'a=mid:1',
      'a=ice-ufrag:ours',
      'a=ice-pwd:ourpasswordourpasswordou',
      'a=candidate:1 1 udp 5 192.0.2.1 4000 typ host',
      'a=end-of-candidates',
      '',
    ]);
  });
});
