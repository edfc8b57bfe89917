import wrtc from '@roamhq/wrtc';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { offerOf } from '../../loadtest/libwebrtc-offer.ts';
import type { RunningServer } from '../../server/service.ts';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import { readFeed, results } from '../fixtures/results-reader.ts';
import { startTestServer } from '../fixtures/running-server.ts';
import { SceneSource } from '../fixtures/scene-source.ts';
import { fragmentOf, patch, postOffer, publish, type WhipResource } from '../fixtures/whip-client.ts';

const RESULTS = 'urn:avsac-live:results';

/** Real libwebrtc behind a WHIP client. */
class Publisher {
  readonly connection = new wrtc.RTCPeerConnection();
  readonly candidates: string[] = [];
  readonly gathered: Promise<void>;
  readonly #source = new SceneSource(createDemoScene(9), { neverSilent: true });

  constructor() {
    const stream = new wrtc.MediaStream();
    for (const track of [this.#source.videoTrack, this.#source.audioTrack]) this.connection.addTrack(track, stream);
    this.gathered = new Promise((resolve) => {
      this.connection.onicecandidate = ({ candidate }) => {
        if (candidate) this.candidates.push(candidate.candidate);
        else resolve();
      };
    });
  }

  async offer(options: RTCOfferOptions = {}): Promise<string> {
    return (await offerOf(this.connection, options)).replaceAll('a=sendrecv', 'a=sendonly');
  }

  accept(sdp: string): Promise<void> {
    return this.connection.setRemoteDescription({ type: 'answer', sdp });
  }

  close(): void {
    this.#source.stop();
    this.connection.close();
  }
}

describe('WHIP with real libwebrtc', () => {
  let server: RunningServer;
  let endpoint: string;
  const publishers: Publisher[] = [];
  const resources: WhipResource[] = [];

  beforeAll(async () => {
    server = await startTestServer({ maxSessions: '2', iceServers: 'turn:someone:secret@127.0.0.1:9' });
    endpoint = `${server.url}whip`;
  });
  afterEach(async () => {
    for (const { url } of resources.splice(0)) await fetch(url, { method: 'DELETE' });
    for (const publisher of publishers.splice(0)) publisher.close();
  });
  afterAll(() => server.close());

  function create(): Publisher {
    const publisher = new Publisher();
    publishers.push(publisher);
    return publisher;
  }

  async function open(offer: string): Promise<WhipResource> {
    const resource = await publish(endpoint, offer);
    resources.push(resource);
    return resource;
  }

  async function start(): Promise<{ publisher: Publisher; resource: WhipResource }> {
    const publisher = create();
    const resource = await open(await publisher.offer());
    await publisher.accept(resource.answer);
    return { publisher, resource };
  }

  it('gives masks to the results feed until the session is deleted', async () => {
    const { resource } = await start();
    expect(resource.answer).toMatch(/^a=candidate:/m);
    expect(resource.answer).toMatch(/^a=rtcp-mux-only/m);
    expect(resource.links).toMatchObject({ 'ice-server': 'turn:127.0.0.1:9' });
    const feed = resource.links[RESULTS]!;
    const [first, second] = await results(feed, 2, ({ annotations }) => annotations.length > 0);
    expect(second!.sequence).toBeGreaterThan(first!.sequence);
    expect(first).toMatchObject({ frameWidth: 640, frameHeight: 480, gated: false });
    expect(first!.loudnessDbfs).toBeLessThan(0);

    const lines = readFeed(feed);
    await lines.next();
    expect((await fetch(resource.url, { method: 'DELETE' })).status).toBe(200);
    const rest = [];
    for await (const line of lines) rest.push(line);
    expect(rest.at(-1)).toEqual({ type: 'end', reason: 'client-left' });
    expect((await fetch(resource.url, { method: 'DELETE' })).status).toBe(404);
    expect((await fetch(feed)).status).toBe(404);
  });

  it('takes candidates that come after the offer, one by one', async () => {
    const publisher = create();
    const offer = await publisher.offer();
    const { url, etag, answer, links } = await open(offer.replace(/^a=candidate:.*\r\n/gm, ''));
    await publisher.accept(answer);
    await publisher.gathered;
    const bare = fragmentOf(offer.replace(/^a=candidate:.*\r\n/gm, ''));
    for (const candidate of publisher.candidates) {
      expect((await patch(url, `${bare}a=${candidate}\r\n`, etag)).status).toBe(204);
    }
    await results(links[RESULTS]!, 2);
  });

  it('restarts ICE', async () => {
    const { publisher, resource } = await start();
    const feed = resource.links[RESULTS]!;
    await results(feed, 2);
    const offer = await publisher.offer({ iceRestart: true });
    await publisher.gathered;
    const response = await patch(resource.url, fragmentOf(offer, publisher.candidates), '*');
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).not.toBe(resource.etag);
    const fragment = await response.text();
    const iceLines = fragment.match(/^a=(ice-ufrag|ice-pwd|candidate):.*$/gm)!;
    expect(iceLines.length).toBeGreaterThanOrEqual(3);
    // The answer stays what it was but for its ICE session.
    const [ufrag, password] = iceLines;
    await publisher.accept(
      resource.answer.replace(/^a=ice-ufrag:.*$/gm, ufrag!).replace(/^a=ice-pwd:.*$/gm, password!),
    );
    expect((await patch(resource.url, fragmentOf(offer), resource.etag)).status).toBe(412);
    expect((await patch(resource.url, fragmentOf(offer), response.headers.get('etag')!)).status).toBe(204);
    const { sequence } = (await results(feed, 1))[0]!;
    await results(feed, 1, (result) => result.sequence > sequence + 20);
  });

  it('ends a session whose publisher hung up without a word', async () => {
    const { publisher, resource } = await start();
    const lines = readFeed(resource.links[RESULTS]!);
    await lines.next();
    publisher.close();
    const rest = [];
    for await (const line of lines) rest.push(line);
    expect(rest.at(-1)).toEqual({ type: 'end', reason: 'peer-closed' });
    expect((await fetch(resource.url)).status).toBe(404);
  });

  it('refuses one session too many, and says when to try again', async () => {
    await Promise.all([start(), start()]);
    const response = await postOffer(endpoint, await create().offer());
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('10');
    expect(await response.json()).toMatchObject({ type: '/errors/server-full', status: 503 });
  });

  it('gives all of an offer or nothing', async () => {
    const publisher = create();
    const offer = (await publisher.offer()).replaceAll(
      /^a=rtpmap:(\d+) (VP8|VP9|H264|AV1X?)\//gm,
      'a=rtpmap:$1 THEORA/',
    );
    const response = await postOffer(endpoint, offer);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      code: 'media-refused',
      detail: expect.stringContaining('video as THEORA'),
    });
  });

  it('tells its publishers and listeners when the server closes', async () => {
    const closing = await startTestServer();
    const publisher = create();
    const resource = await publish(`${closing.url}whip`, await publisher.offer());
    await publisher.accept(resource.answer);
    const lines = readFeed(resource.links[RESULTS]!);
    await lines.next();
    const { transport } = publisher.connection.getSenders()[0]!;
    expect(transport!.state).toBe('connected');
    const closed = closing.close();
    const rest = [];
    for await (const line of lines) rest.push(line);
    expect(rest.at(-1)).toEqual({ type: 'end', reason: 'server-closed' });
    await closed;
    await expect.poll(() => transport!.state, { timeout: 30_000 }).toBe('closed');
  });
});
