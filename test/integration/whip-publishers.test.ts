/** Programs that people publish with, unmodified. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { VIDEO_CLOCK_RATE_HZ } from '../../shared/clock.ts';
import {
  gstreamerLacks,
  type PublisherProcess,
  startFfmpeg,
  startGstreamer,
  startObs,
} from '../fixtures/publisher-process.ts';
import { readFeed } from '../fixtures/results-reader.ts';
import { startTestServer } from '../fixtures/running-server.ts';

/** Sound that a frame is paired with, and some. */
const PATCH_S = 1.2;
const TOKEN = 'a-token-of-sixteen-or-more';
const lacking = gstreamerLacks();

/**
 * Follows the one session of the server until the publisher has left: it is told to stop when its clock is known from sender
 * reports, the first of which may come after five seconds, and all that a frame is paired with has been heard.
 */
async function follow(server: RunningServer, publisher: PublisherProcess, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await publisher.publishing;
  const { sessions } = await (await fetch(`${server.url}sessions`, { headers })).json();
  expect(sessions).toMatchObject([{ signalling: 'whip', listeners: 0 }]);
  const lines = [];
  let firstTimestamp: number | undefined;
  let stopped: ReturnType<PublisherProcess['stop']> | undefined;
  for await (const line of readFeed(new URL(sessions[0].results, server.url).href, headers)) {
    lines.push(line);
    if (line.type !== 'result') continue;
    firstTimestamp ??= line.rtpTimestamp;
    const seconds = ((line.rtpTimestamp - firstTimestamp) >>> 0) / VIDEO_CLOCK_RATE_HZ;
    if (line.captureTimeMs !== null && seconds > PATCH_S) stopped ??= publisher.stop();
  }
  expect(await stopped).toMatchObject({ status: 0 });
  return {
    results: lines.filter((line) => line.type === 'result'),
    notices: lines.filter(({ type }) => type === 'notice'),
    end: lines.at(-1),
  };
}

describe('FFmpeg', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startTestServer({ tokens: TOKEN });
  });
  afterAll(() => server.close());

  it('publishes H.264 and Opus with a token', async () => {
    const { results, notices, end } = await follow(server, startFfmpeg(`${server.url}whip`, TOKEN), TOKEN);
    expect(results.at(-1)).toMatchObject({ frameWidth: 320, frameHeight: 240, gated: false });
    expect(results.at(-1)!.loudnessDbfs).toBeCloseTo(-13.5, -1);
    expect(results.at(-1)!.captureTimeMs).toEqual(expect.any(Number));
    expect(notices).toEqual([]);
    expect(end).toEqual({ type: 'end', reason: 'client-left' });
  });

  it('is refused without one', async () => {
    const { status, output } = await startFfmpeg(`${server.url}whip`).stop();
    expect(status).not.toBe(0);
    expect(output).toContain('401');
  });
});

describe('libdatachannel, as OBS Studio uses it', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  it('publishes H.264 and Opus', async () => {
    const { results, notices, end } = await follow(server, startObs(`${server.url}whip`));
    expect(results.at(-1)).toMatchObject({ frameWidth: 320, frameHeight: 240, gated: false });
    expect(results.at(-1)!.loudnessDbfs).toBeCloseTo(-13.5, -1);
    expect(notices).toEqual([]);
    expect(end).toEqual({ type: 'end', reason: 'client-left' });
  });
});

describe.skipIf(lacking !== undefined)(`GStreamer's webrtcbin${lacking ? ` (skipped: ${lacking})` : ''}`, () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  it.each(['vp8', 'h264'] as const)('publishes %s and Opus, and trickles its candidates', async (codec) => {
    const { results, notices, end } = await follow(server, startGstreamer(`${server.url}whip`, codec));
    expect(results.at(-1)).toMatchObject({ frameWidth: 320, frameHeight: 240 });
    expect(results.at(-1)!.loudnessDbfs).toBeLessThan(0);
    expect(results.at(-1)!.captureTimeMs).toEqual(expect.any(Number));
    expect(notices).toEqual([]);
    expect(end).toEqual({ type: 'end', reason: 'client-left' });
  });
});
