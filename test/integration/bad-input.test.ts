import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import { ERRORS } from '../../shared/errors.ts';
import { MAX_SIGNALLING_BYTES } from '../../shared/signalling.ts';
import { LibwebrtcPublisher } from '../fixtures/libwebrtc-publisher.ts';
import { startTestServer, webSocketUrl } from '../fixtures/running-server.ts';
import { SignallingClient } from '../fixtures/signalling-client.ts';

const SDP_HEAD = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0'];
const media = (section: string, ...attributes: string[]) => [
  section,
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuv',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=setup:actpass',
  'a=rtcp-mux',
  ...attributes,
];
const sdp = (...lines: string[]) => `${[...SDP_HEAD, ...lines].join('\r\n')}\r\n`;

describe('what a server is sent and should not be', () => {
  let server: RunningServer;
  let url: string;

  beforeAll(async () => {
    server = await startTestServer({ maxSessions: '3' });
    url = webSocketUrl(server);
  });
  afterAll(() => server.close());

  const openSessions = async () => (await fetch(new URL('sessions', server.url))).json();

  /** Sends one thing, expects one error, and a connection that still answers. */
  async function refused(data: string | Buffer): Promise<string> {
    const client = await SignallingClient.join(url);
    client.sendRaw(data);
    const { code, message } = await client.next('error');
    client.sendRaw('still there?');
    expect((await client.next('error')).code).toBe('message-invalid');
    await client.leave();
    expect(message).toContain(ERRORS[code as keyof typeof ERRORS].message);
    return code;
  }

  it.each([
    ['text that is not JSON', 'hello'],
    ['JSON of no known type', '{"type":"subscribe"}'],
    ['an offer without SDP', '{"type":"offer"}'],
    ['an offer with a field too many', '{"type":"offer","sdp":"v=0","extra":1}'],
    ['a JSON array', '[]'],
    ['an empty message', ''],
  ])('refuses %s', async (_what, data) => {
    expect(await refused(data)).toBe('message-invalid');
  });

  it('refuses binary where JSON is due', async () => {
    expect(await refused(Buffer.from('{"type":"bye"}'))).toBe('binary-message');
  });

  it.each([
    ['garbage SDP', 'garbage'],
    ['binary noise as SDP', '\u0000\u0001\u0002'],
    ['half an SDP', sdp('m=video')],
  ])('refuses %s', async (_what, text) => {
    expect(await refused(JSON.stringify({ type: 'offer', sdp: text }))).toBe('sdp-invalid');
  });

  it('refuses an offer without media', async () => {
    const offer = sdp(...media('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=sctp-port:5000'));
    expect(await refused(JSON.stringify({ type: 'offer', sdp: offer }))).toBe('sdp-without-media');
  });

  it('refuses an offer of nothing but unknown codecs, and names them', async () => {
    const offer = sdp(...media('m=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 THEORA/90000', 'a=sendonly'));
    const client = await SignallingClient.join(url);
    client.send({ type: 'offer', sdp: offer });
    const { code, message } = await client.next('error');
    expect(code).toBe('codec-unsupported');
    expect(message).toContain('THEORA');
    await client.leave();
  });

  it('refuses a candidate that is none', async () => {
    expect(
      await refused(JSON.stringify({ type: 'candidate', candidate: { candidate: 'candidate:x', sdpMid: '0' } })),
    ).toBe('candidate-invalid');
  });

  it('hangs up on a giant message, and has its place free for another', async () => {
    const client = await SignallingClient.join(url);
    client.sendRaw('x'.repeat(MAX_SIGNALLING_BYTES + 1));
    expect(await client.closed).toBe(1009);
    // ws hangs up by itself: the client may know before the session does.
    await expect.poll(openSessions, { timeout: 20_000 }).toEqual({ sessions: [] });
  });

  it('refuses one session too many with its reason, and takes it when one has left', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => SignallingClient.join(url)));
    const tooMany = new SignallingClient(url);
    expect((await tooMany.next('error')).code).toBe('server-full');
    expect(await tooMany.closed).toBe(ERRORS['server-full'].closeCode);
    await clients[0]!.leave();
    clients.push(await SignallingClient.join(url));
    await Promise.all(clients.slice(1).map((client) => client.leave()));
  });

  it('leaves a running session alone when it sends garbage in between', async () => {
    const publisher = await LibwebrtcPublisher.publish(url, createDemoScene(9));
    await publisher.masksReceived(3);
    publisher.signalling.sendRaw('{"type":"offer","sdp":"garbage"}');
    expect((await publisher.signalling.next('error')).code).toBe('sdp-invalid');
    const { length } = publisher.masks;
    await publisher.masksReceived(length + 10);
    await publisher.close();
  });
});
