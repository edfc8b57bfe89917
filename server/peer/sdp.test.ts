import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AvsacError } from '../../shared/errors.ts';
import { isReachable, parseCandidate } from './ice-candidate.ts';
import { extensionIds, negotiate, receivedMedia, writeAnswer } from './sdp-answer.ts';
import { parseOffer } from './sdp-offer.ts';

const LOCAL = {
  version: 3,
  usernameFragment: 'ours',
  password: 'ourpasswordourpasswordou',
  fingerprint: { algorithm: 'sha-256', value: '0A:0B' },
  setup: 'passive',
  candidates: ['1 1 udp 5 192.0.2.1 4000 typ host'],
  gathered: true,
  sctpPort: 5000,
  maxMessageSize: 65_536,
  videoBitrateBps: 1_200_000,
} as const;

const TRANSPORT = [
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  'a=fingerprint:sha-256 AA:BB',
  'a=setup:actpass',
];

const VIDEO = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105',
  'c=IN IP4 0.0.0.0',
  ...TRANSPORT,
  'a=mid:v',
  'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:5 urn:3gpp:video-orientation',
  'a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  'a=sendonly',
  'a=rtcp-mux',
  'a=rtcp-rsize',
  'a=rtpmap:96 VP8/90000',
  'a=rtcp-fb:96 goog-remb',
  'a=rtcp-fb:96 transport-cc',
  'a=rtcp-fb:96 ccm fir',
  'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 nack pli',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=rtpmap:102 H264/90000',
  'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f',
  'a=rtpmap:103 rtx/90000',
  'a=fmtp:103 apt=102',
  'a=rtpmap:104 H264/90000',
  'a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f;sprop-parameter-sets=Z0LAHtkB,aMljiA==',
  'a=rtcp-fb:* nack pli',
  'a=rtpmap:105 rtx/90000',
  'a=fmtp:105 apt=104',
  'a=ssrc-group:FID 111 222',
  'a=ssrc:111 cname:x',
  'a=ssrc:222 cname:x',
];

const AUDIO = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9',
  'c=IN IP4 0.0.0.0',
  ...TRANSPORT,
  'a=mid:a',
  'a=sendrecv',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:9 G722/8000',
];

const CHANNELS = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  ...TRANSPORT,
  'a=mid:d',
  'a=sctp-port:5001',
  'a=max-message-size:262144',
];

function offer(bundle: string, ...sections: readonly (readonly string[])[]): string {
  const session = [
    'v=0',
    'o=- 1 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    ...(bundle === '' ? [] : [`a=group:BUNDLE ${bundle}`]),
  ];
  return `${[...session, ...sections.flat()].join('\r\n')}\r\n`;
}

function answerTo(sdp: string, videoCodecs: readonly string[] = ['VP8', 'H264']): string[] {
  return writeAnswer(negotiate(parseOffer(sdp), videoCodecs), LOCAL).split('\r\n');
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof AvsacError) return error.code;
    throw error;
  }
  return 'none';
}

describe('answer', () => {
  it('takes one codec with its retransmissions, feedback and extensions, and only receives', () => {
    const lines = answerTo(offer('v a d', VIDEO, AUDIO, CHANNELS));
    expect(lines.slice(0, 5)).toEqual(['v=0', 'o=- 1 3 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE v a d']);
    const video = lines.slice(lines.indexOf('a=mid:v') - 3, lines.indexOf('a=mid:a') - 2);
    expect(video).toEqual([
      'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
      'c=IN IP4 0.0.0.0',
      'b=TIAS:1200000',
      'a=mid:v',
      'a=ice-ufrag:ours',
      'a=ice-pwd:ourpasswordourpasswordou',
      'a=ice-options:trickle',
      'a=fingerprint:sha-256 0A:0B',
      'a=setup:passive',
      'a=candidate:1 1 udp 5 192.0.2.1 4000 typ host',
      'a=end-of-candidates',
      'a=rtcp:9 IN IP4 0.0.0.0',
      'a=recvonly',
      'a=rtcp-mux',
      'a=rtcp-mux-only',
      'a=rtcp-rsize',
      'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
      'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
      'a=rtpmap:96 VP8/90000',
      'a=rtcp-fb:96 nack',
      'a=rtcp-fb:96 nack pli',
      'a=rtcp-fb:96 ccm fir',
      'a=rtcp-fb:96 transport-cc',
      'a=rtpmap:97 rtx/90000',
      'a=fmtp:97 apt=96',
    ]);
    expect(lines).toContain('m=audio 9 UDP/TLS/RTP/SAVPF 111');
    expect(lines).toContain('a=rtpmap:111 opus/48000/2');
    expect(lines).toContain('a=sctp-port:5000');
  });

  it('follows the order of preference, and prefers packetization mode 1', () => {
    const lines = answerTo(offer('v', VIDEO), ['VP9', 'H264', 'VP8']);
    expect(lines).toContain('m=video 9 UDP/TLS/RTP/SAVPF 104 105');
    expect(lines).toContain('a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f');
    expect(lines).toContain('a=rtcp-fb:104 nack pli');
  });

  it('asks for one simulcast layer', () => {
    const simulcast = ['a=rid:hi send', 'a=rid:mid send', 'a=rid:lo send', 'a=simulcast:send ~lo;hi,mid;mid'];
    const lines = answerTo(offer('v', [...VIDEO, ...simulcast]));
    expect(lines).toContain('a=rid:hi recv');
    expect(lines).toContain('a=simulcast:recv hi');
    expect(lines.filter((line) => line.startsWith('a=rid:'))).toHaveLength(1);
  });

  it('refuses a section in place, keeps it out of the bundle, and moves the transport on', () => {
    const sdp = offer('v a', VIDEO, AUDIO);
    const lines = answerTo(sdp, ['AV1']);
    expect(lines).toContain('a=group:BUNDLE a');
    expect(lines).toContain('m=video 0 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105');
    expect(lines.indexOf('a=candidate:1 1 udp 5 192.0.2.1 4000 typ host')).toBeGreaterThan(lines.indexOf('a=mid:a'));
    expect(negotiate(parseOffer(sdp), ['AV1']).refused).toEqual([
      { kind: 'video', offeredCodecs: ['VP8', 'rtx', 'H264'] },
    ]);
  });

  it('takes only the first section of an offer that does not bundle', () => {
    const lines = answerTo(offer('', AUDIO, VIDEO));
    expect(lines.filter((line) => line.startsWith('m='))).toEqual([
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      'm=video 0 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105',
    ]);
  });

  it('accepts a section that does not send, as inactive and without a track', () => {
    const inactive = VIDEO.map((line) => (line === 'a=sendonly' ? 'a=inactive' : line));
    const negotiation = negotiate(parseOffer(offer('v a', inactive, AUDIO)), ['VP8']);
    expect(receivedMedia(negotiation).map(({ mid }) => mid)).toEqual(['a']);
    expect(writeAnswer(negotiation, LOCAL)).toContain('a=inactive');
  });

  it('does not count a section the offerer stopped as refused', () => {
    const stopped = VIDEO.map((line) => line.replace('m=video 9', 'm=video 0'));
    expect(negotiate(parseOffer(offer('a', stopped, AUDIO)), ['VP8']).refused).toEqual([]);
    expect(codeOf(() => negotiate(parseOffer(offer('', stopped)), ['VP8']))).toBe('sdp-without-media');
  });

  it('tells what will be received', () => {
    const negotiation = negotiate(parseOffer(offer('v a', VIDEO, AUDIO)), ['H264']);
    const [video, audio] = receivedMedia(negotiation);
    expect(video).toMatchObject({
      kind: 'video',
      mid: 'v',
      codec: 'H264',
      payloadType: 104,
      rtxPayloadType: 105,
      clockRate: 90_000,
      nack: false,
      pictureLoss: true,
      ssrcs: [111, 222],
      rtxSsrcs: new Map([[222, 111]]),
      absCaptureTimeId: undefined,
    });
    expect(video!.parameterSets.map((unit) => unit[0])).toEqual([0x67, 0x68]);
    expect(audio).toMatchObject({ kind: 'audio', codec: 'opus', channels: 2, nack: false, pictureLoss: false });
    expect(extensionIds(negotiation)).toEqual({ mid: 4, rid: undefined, repairedRid: undefined, transportWideCc: 3 });
  });
});

describe('errors', () => {
  it.each([
    ['empty', '', 'sdp-invalid'],
    ['prose', 'hello there', 'sdp-invalid'],
    ['a bad line', 'v=0\r\nwhat\r\n', 'sdp-invalid'],
    ['a bad media line', 'v=0\r\nm=audio\r\n', 'sdp-invalid'],
    ['one mid twice', offer('a', AUDIO, AUDIO), 'sdp-invalid'],
    ['too many sections', offer('a', ...new Array(100).fill(['m=audio 9 UDP/TLS/RTP/SAVPF 0'])), 'sdp-invalid'],
    [
      'no ICE credentials',
      offer(
        'a',
        AUDIO.filter((line) => !line.startsWith('a=ice-')),
      ),
      'sdp-invalid',
    ],
    [
      'no fingerprint',
      offer(
        'a',
        AUDIO.filter((line) => !line.startsWith('a=fingerprint')),
      ),
      'sdp-invalid',
    ],
    ['no sections', offer(''), 'sdp-without-media'],
    ['data channels only', offer('d', CHANNELS), 'sdp-without-media'],
    [
      'no codec we know',
      offer(
        'a',
        AUDIO.filter((line) => !line.includes('opus')),
      ),
      'codec-unsupported',
    ],
  ])('%s', (_name, sdp, code) => {
    expect(codeOf(() => answerTo(sdp))).toBe(code);
  });

  it("gives only the project's errors for any mutation of an offer", () => {
    const good = offer('v a d', VIDEO, AUDIO, CHANNELS);
    const edit = fc.record({ at: fc.nat(good.length), remove: fc.nat(30), insert: fc.string({ maxLength: 10 }) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        let sdp = good;
        for (const { at, remove, insert } of edits) sdp = sdp.slice(0, at) + insert + sdp.slice(at + remove);
        codeOf(() => receivedMedia(negotiate(parseOffer(sdp), ['VP8', 'H264'])));
        codeOf(() => answerTo(sdp));
      }),
      { numRuns: 300 },
    );
  });
});

describe('parseCandidate', () => {
  it('reads a candidate with and without its name and extensions', () => {
    const parsed = {
      foundation: '842163049',
      component: 1,
      transport: 'udp',
      priority: 2_122_260_223,
      address: '192.0.2.7',
      port: 46_243,
      type: 'host',
    };
    const text = '842163049 1 udp 2122260223 192.0.2.7 46243 typ host';
    expect(parseCandidate(text)).toEqual(parsed);
    expect(parseCandidate(`candidate:${text} generation 0 ufrag EsAw network-id 1`)).toEqual(parsed);
    expect(isReachable(parseCandidate(text))).toBe(true);
  });

  it('passes over what cannot be reached', () => {
    expect(isReachable(parseCandidate('1 1 udp 1 4a3f.local 5000 typ host'))).toBe(false);
    expect(isReachable(parseCandidate('1 1 TCP 1 192.0.2.7 9 typ host tcptype active'))).toBe(false);
    expect(isReachable(parseCandidate('1 1 udp 1 192.0.2.7 0 typ host'))).toBe(false);
    expect(isReachable(parseCandidate('1 1 udp 1 2001:db8::1 5000 typ srflx raddr :: rport 0'))).toBe(true);
  });

  it("turns down anything else with the project's error", () => {
    for (const text of ['', 'candidate:', '1 1 udp 1 192.0.2.7 99999 typ host', '1 1 udp 1 192.0.2.7 9 typ odd']) {
      expect(codeOf(() => parseCandidate(text))).toBe('candidate-invalid');
    }
    fc.assert(
      fc.property(fc.string(), (text) => ['candidate-invalid', 'none'].includes(codeOf(() => parseCandidate(text)))),
    );
  });
});
