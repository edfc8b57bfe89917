import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/service.ts';
import { serialDistance32 } from '../../shared/clock.ts';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import { LibwebrtcPublisher, type PublishOptions } from '../fixtures/libwebrtc-publisher.ts';
import { startTestServer, webSocketUrl } from '../fixtures/running-server.ts';

const SCENE = createDemoScene(9);

describe('real libwebrtc publishing to the running server', () => {
  let server: RunningServer;
  const publishers: LibwebrtcPublisher[] = [];

  beforeAll(async () => {
    server = await startTestServer();
  });
  afterEach(async () => {
    await Promise.all(publishers.splice(0).map((publisher) => publisher.close()));
  });
  afterAll(() => server.close());

  async function publish(options: PublishOptions = {}): Promise<LibwebrtcPublisher> {
    const publisher = await LibwebrtcPublisher.publish(webSocketUrl(server), SCENE, options);
    publishers.push(publisher);
    return publisher;
  }

  it('gets masks of the frames it sent', async () => {
    const publisher = await publish();
    // The channel is unordered, so masks may overtake each other.
    const masks = [...(await publisher.masksReceived(30))].sort((a, b) => a.sequence - b.sequence);
    expect(masks.every(({ frameWidth, frameHeight }) => frameWidth === 640 && frameHeight === 480)).toBe(true);
    const steps = masks.slice(1).map((mask, i) => ({ mask, before: masks[i]! }));
    for (const { mask, before } of steps) {
      expect(mask.sequence).toBeGreaterThan(before.sequence);
      expect(serialDistance32(mask.rtpTimestamp, before.rtpTimestamp)).toBeGreaterThan(0);
    }
    // Capture times are those of the RTP clock, moved to the wall clock. Once a clock has settled, a slew may bend them by 5 %.
    const settled = steps.filter(
      ({ before }) => serialDistance32(before.rtpTimestamp, masks[0]!.rtpTimestamp) > 90_000,
    );
    expect(settled.length).toBeGreaterThan(5);
    for (const { mask, before } of settled) {
      const steppedMs = serialDistance32(mask.rtpTimestamp, before.rtpTimestamp) / 90;
      expect(Math.abs(mask.captureTimeMs! - before.captureTimeMs! - steppedMs)).toBeLessThan(1 + 0.05 * steppedMs);
    }
  });

  it('pairs each frame with the sound of its capture time once sender reports have come', async () => {
    const publisher = await publish();
    await publisher.until(() => publisher.stats?.clockSource === 'sender-report');
    const known = publisher.masks.length;
    await publisher.masksReceived(known + 20);
    const last = publisher.masks.at(-1)!;
    // Publisher and test share a clock: the frame was captured before now, and not long ago.
    const ageMs = Date.now() - last.captureTimeMs!;
    expect(ageMs).toBeGreaterThan(-20);
    expect(ageMs).toBeLessThan(2000);
    const skews = publisher.masks
      .slice(known)
      .map(({ skewMs }) => Math.abs(skewMs))
      .sort((a, b) => a - b);
    expect(skews[Math.floor(0.95 * skews.length)]).toBeLessThanOrEqual(20);
  });

  it('goes on after an ICE restart', async () => {
    const publisher = await publish();
    await publisher.masksReceived(5);
    const { sequence } = publisher.masks.at(-1)!;
    await publisher.negotiate({ iceRestart: true });
    await publisher.until(() => publisher.masks.at(-1)!.sequence > sequence + 10);
  });

  it('goes on when the picture changes its size', async () => {
    const publisher = await publish();
    await publisher.masksReceived(5);
    publisher.resize(320, 240);
    await publisher.until(() => publisher.masks.at(-1)?.frameWidth === 320);
    expect(publisher.masks.at(-1)!.frameHeight).toBe(240);
  });

  it('answers muted sound with dark masks and no model run', async () => {
    const publisher = await publish();
    await publisher.masksReceived(5);
    publisher.mute();
    await publisher.until(() => publisher.masks.at(-1)!.gated);
    expect(publisher.masks.at(-1)!.classes).toEqual([]);
  });

  it('says that sound is missing, and sends dark masks meanwhile', async () => {
    const publisher = await publish({ audio: false });
    const notice = await publisher.signalling.next('notice');
    expect(notice.code).toBe('audio-missing');
    const masks = await publisher.masksReceived(5);
    expect(masks.every(({ gated, classes }) => gated && classes.length === 0)).toBe(true);
  });

  it('says that a picture is missing, and goes on receiving sound', async () => {
    const publisher = await publish({ video: false });
    const notice = await publisher.signalling.next('notice');
    expect(notice.code).toBe('video-missing');
    await publisher.until(() => (publisher.stats?.audioBitrate ?? 0) > 0);
    expect(publisher.masks).toEqual([]);
  });

  it('takes a picture added later by a second offer', async () => {
    const publisher = await publish({ video: false });
    await publisher.signalling.next('notice');
    publisher.addVideo();
    await publisher.negotiate();
    await publisher.masksReceived(3);
  });

  it('goes on when a track is replaced', async () => {
    const publisher = await publish();
    await publisher.masksReceived(5);
    const { sequence } = publisher.masks.at(-1)!;
    await publisher.replaceVideo(createDemoScene(20));
    await publisher.until(() => publisher.masks.at(-1)!.sequence > sequence + 10);
  });

  it('is told when it opened no channel for masks', async () => {
    const publisher = await publish({ channels: false });
    const notice = await publisher.signalling.next('notice');
    expect(notice.code).toBe('mask-channel-missing');
  });

  it('does not disturb another client by vanishing', async () => {
    const [staying, leaving] = await Promise.all([publish(), publish()]);
    await Promise.all([staying.masksReceived(3), leaving.masksReceived(3)]);
    leaving.signalling.vanish();
    const { length } = staying.masks;
    await staying.masksReceived(length + 10);
  });
});
