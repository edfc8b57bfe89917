import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import type { FeedLine } from '../../shared/results.ts';
import { launchChromium } from '../fixtures/chromium.ts';
import { startTestServer } from '../fixtures/running-server.ts';

/** Runs in the page: publishes a moving canvas and a tone by WHIP with trickle ICE, and follows the results both ways. */
async function publishAndFollow({ results, slowRateHz }: { results: number; slowRateHz: number }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
  const painter = canvas.getContext('2d')!;
  setInterval(() => {
    painter.fillStyle = '#246';
    painter.fillRect(0, 0, 320, 240);
    painter.fillStyle = '#fc3';
    painter.fillRect((performance.now() / 10) % 280, 100, 40, 40);
  }, 40);
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio);
  const destination = new MediaStreamAudioDestinationNode(audio);
  tone.connect(destination);
  tone.start();

  const connection = new RTCPeerConnection();
  const streams = [canvas.captureStream(25), destination.stream];
  for (const track of streams.flatMap((stream) => stream.getTracks())) {
    connection.addTransceiver(track, { direction: 'sendonly' });
  }
  const candidates: string[] = [];
  const gathered = new Promise<void>((resolve) => {
    connection.onicecandidate = ({ candidate }) => (candidate ? candidates.push(candidate.candidate) : resolve());
  });
  await connection.setLocalDescription();
  const offer = connection.localDescription!.sdp;
  const response = await fetch('/whip', {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: offer,
  });
  const [location, etag, link] = ['location', 'etag', 'link'].map((name) => response.headers.get(name)!);
  await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  await gathered;
  const section = offer.slice(offer.indexOf('m=')).split('\r\n');
  const lines = ['m=', 'a=mid:', 'a=ice-ufrag:', 'a=ice-pwd:'].map((start) =>
    section.find((line) => line.startsWith(start)),
  );
  const trickled = await fetch(location!, {
    method: 'PATCH',
    headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': etag! },
    body: [...lines, ...candidates.map((candidate) => `a=${candidate}`), ''].join('\r\n'),
  });

  const feed = new URL(/<([^>]*)>; rel="urn:avsac-live:results"/.exec(link!)![1]!, window.location.href);
  const followedFromMs = performance.now();
  const socket = new WebSocket(`${feed.href.replace('http', 'ws')}?rate=${slowRateHz}`);
  const slow: FeedLine[] = [];
  socket.onmessage = ({ data }) => slow.push(JSON.parse(data));
  const socketClosed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  const events = new EventSource(feed);
  const all: FeedLine[] = [];
  await new Promise<void>((resolve) => {
    events.onmessage = ({ data }) => all.push(JSON.parse(data)) === results && resolve();
  });
  const ended = new Promise<FeedLine>((resolve) => {
    events.addEventListener('end', ({ data }) => resolve(JSON.parse(data)));
  });
  const state = connection.connectionState;
  const deleted = await fetch(location!, { method: 'DELETE' });
  const end = await ended;
  events.close();
  const statuses = [response.status, trickled.status, deleted.status];
  const closeCode = await socketClosed;
  return { statuses, state, all, slow, followedMs: performance.now() - followedFromMs, end, closeCode };
}

let server: RunningServer;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
  page = await browser.newPage();
  await page.goto(`${server.url}openapi.json`);
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

it('Chromium publishes by WHIP, and follows the results as events and over a WebSocket', async () => {
  const following = { results: 40, slowRateHz: 2 };
  const { statuses, state, all, slow, followedMs, end, closeCode } = await page.evaluate(publishAndFollow, following);
  expect(statuses).toEqual([201, 204, 200]);
  expect(state).toBe('connected');
  expect(all.at(-1)).toMatchObject({ type: 'result', frameWidth: 320, frameHeight: 240, gated: false });
  // All are ten a second, or what a busy machine gives: only time bounds those that are thinned.
  const slowResults = slow.filter(({ type }) => type === 'result');
  expect(slowResults.length).toBeGreaterThan(2);
  expect(slowResults.length).toBeLessThanOrEqual(2 + (following.slowRateHz * followedMs) / 1000);
  expect(end).toEqual({ type: 'end', reason: 'client-left' });
  expect(slow.at(-1)).toEqual(end);
  expect(closeCode).toBe(1000);
});
