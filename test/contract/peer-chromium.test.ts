/** The real peer, facing real Chromium: congestion feedback lets it ramp up, and its clocks are read right. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadDecoderFactory } from '../../server/media/node-av-decoder.ts';
import type { Peer } from '../../server/peer/peer.ts';
import { createWeriftPeer } from '../../server/peer/werift-peer.ts';
import type { Candidate } from '../../shared/signalling.ts';
import { findChromium } from '../fixtures/chromium.ts';
import { PeerRecorder } from './peer-recorder.ts';

/** As a person's browser has it, host addresses are hidden behind mDNS names. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--autoplay-policy=no-user-gesture-required'];

interface PublishOptions {
  readonly simulcast: boolean;
}

/** Runs in the page: publishes a moving, noisy 640x480 canvas and a tone. */
async function publish({ simulcast }: PublishOptions): Promise<void> {
  interface TestWindow extends Window {
    connection: RTCPeerConnection;
    negotiate(options?: RTCOfferOptions): Promise<void>;
    answerTo(sdp: string): Promise<string>;
    passCandidate(candidate: RTCIceCandidateInit | null): Promise<void>;
  }
  const page = window as unknown as TestWindow;
  const [width, height] = [640, 480];
  const canvas = document.createElement('canvas');
  const noise = document.createElement('canvas');
  for (const surface of [canvas, noise]) Object.assign(surface, { width, height });
  const noiseContext = noise.getContext('2d')!;
  const pixels = noiseContext.createImageData(width, height);
  for (let index = 0; index < pixels.data.length; index++)
    pixels.data[index] = index % 4 === 3 ? 255 : Math.random() * 256;
  noiseContext.putImageData(pixels, 0, 0);
  const context = canvas.getContext('2d')!;
  let frame = 0;
  setInterval(() => {
    frame++;
    context.drawImage(noise, -((frame * 3) % 200), -((frame * 2) % 100), width * 1.4, height * 1.4);
  }, 1000 / 30);
  const audio = new AudioContext();
  const oscillator = audio.createOscillator();
  const destination = audio.createMediaStreamDestination();
  oscillator.connect(destination);
  oscillator.start();

  const connection = new RTCPeerConnection();
  page.connection = connection;
  const maxBitrate = 2_500_000;
  const sendEncodings = simulcast
    ? [
        { rid: 'high', maxBitrate },
        { rid: 'low', scaleResolutionDownBy: 2, maxBitrate },
      ]
    : [{ maxBitrate }];
  const transceivers = [
    connection.addTransceiver(canvas.captureStream(30).getVideoTracks()[0]!, { direction: 'sendonly', sendEncodings }),
    connection.addTransceiver(destination.stream.getAudioTracks()[0]!, { direction: 'sendonly' }),
  ];
  interface HeaderExtension {
    readonly uri: string;
    direction: string;
  }
  for (const transceiver of transceivers as unknown as {
    getHeaderExtensionsToNegotiate(): HeaderExtension[];
    setHeaderExtensionsToNegotiate(extensions: HeaderExtension[]): void;
  }[]) {
    const extensions = transceiver.getHeaderExtensionsToNegotiate();
    for (const extension of extensions)
      if (extension.uri.endsWith('/abs-capture-time')) extension.direction = 'sendrecv';
    transceiver.setHeaderExtensionsToNegotiate(extensions);
  }
  connection.createDataChannel('masks', { ordered: false, maxRetransmits: 0 });
  connection.onicecandidate = ({ candidate }) => void page.passCandidate(candidate?.toJSON() ?? null);
  page.negotiate = async (options) => {
    await connection.setLocalDescription(await connection.createOffer(options));
    await connection.setRemoteDescription({
      type: 'answer',
      sdp: await page.answerTo(connection.localDescription!.sdp),
    });
  };
  await page.negotiate();
}

describe('Chromium publishes', () => {
  let browser: Browser;
  let page: Page;
  let peer: Peer;
  let recorder: PeerRecorder;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium()!, args: FLAGS });
  });

  afterAll(() => browser.close());

  afterEach(async () => {
    await peer.close('the test is over');
    await page.close();
  });

  async function connect(
    videoCodecs: readonly string[],
    options: PublishOptions = { simulcast: false },
  ): Promise<void> {
    recorder = new PeerRecorder();
    peer = createWeriftPeer(
      { iceServers: [], portRange: undefined, announcedAddresses: [], videoCodecs, videoBitrateBps: 1_200_000 },
      recorder,
    );
    page = await browser.newPage();
    await page.exposeFunction('answerTo', async (sdp: string) => (await peer.answer(sdp)).sdp);
    await page.exposeFunction('passCandidate', (candidate: Candidate | null) => peer.addCandidate(candidate));
    await page.goto('about:blank');
    await page.evaluate(publish, options);
    await recorder.until(() => peer.state === 'connected');
  }

  /** Highest bitrate of any one second so far, bit/s. */
  function peakBitrate(): number {
    const { chunks } = recorder.of('video');
    let peak = 0;
    let bytes = 0;
    let oldest = 0;
    for (const { arrivalMs, data } of chunks) {
      bytes += data.length;
      while (chunks[oldest]!.arrivalMs < arrivalMs - 1000) bytes -= chunks[oldest++]!.data.length;
      peak = Math.max(peak, bytes * 8);
    }
    return peak;
  }

  it('at more than 1 Mbit/s once congestion feedback tells it that it may, with its clocks read right', async () => {
    await connect(['VP8']);
    const video = recorder.of('video');
    const audio = recorder.of('audio');
    await recorder.until(() => peakBitrate() >= 1_000_000);
    await recorder.until(() => video.reports.length >= 5 && audio.reports.length >= 1);
    const now = performance.timeOrigin;
    for (const { ntpMs, arrivalMs } of [...video.reports, ...audio.reports]) {
      // One machine, one clock; what is left is the way through two busy event loops.
      expect(Math.abs(ntpMs - (now + arrivalMs))).toBeLessThan(250);
    }
    for (const { chunks } of [video, audio]) {
      await recorder.until(() => chunks.some(({ absCaptureTimeMs }) => absCaptureTimeMs !== undefined));
      const ages = chunks.flatMap(({ absCaptureTimeMs, arrivalMs }) =>
        absCaptureTimeMs === undefined ? [] : [now + arrivalMs - absCaptureTimeMs],
      );
      expect(Math.min(...ages)).toBeGreaterThan(-20);
      expect(Math.min(...ages)).toBeLessThan(1000);
    }
  });

  it.each(['VP8', 'H264', 'VP9', 'AV1'])('%s that a decoder takes', async (codec) => {
    await connect([codec]);
    const { chunks, track } = recorder.of('video');
    await recorder.until(() => chunks.length >= 10);
    expect(track.codec).toBe(codec);
    expect(chunks[0]!.type).toBe('key');
    if (codec === 'H264')
      expect([...chunks[0]!.data.subarray(0, 5)].map((byte) => byte & 0x1f)).toEqual([0, 0, 0, 1, 7]);

    const decoded: number[] = [];
    const decoder = (await loadDecoderFactory()).createVideoDecoder(codec, {
      frame: (frame) => {
        decoded.push(frame.width / frame.height);
        frame.close();
      },
      keyFrameNeeded: (cause) => expect.unreachable(cause),
    });
    for (const chunk of chunks) decoder.decode(chunk);
    await expect.poll(() => decoded.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(8);
    decoder.close();
    expect(new Set(decoded)).toEqual(new Set([4 / 3]));
  });

  it('one layer of simulcast', async () => {
    await connect(['VP8'], { simulcast: true });
    await recorder.until(() => recorder.of('video').chunks.length >= 30);
    const active = await page.evaluate(async () => {
      const stats = await (window as unknown as { connection: RTCPeerConnection }).connection.getStats();
      return [...stats.values()].filter(
        ({ type, kind, active }) => type === 'outbound-rtp' && kind === 'video' && active,
      ).length;
    });
    expect(active).toBe(1);
  });

  it('on, after an ICE restart', async () => {
    await connect(['VP8']);
    const { chunks } = recorder.of('video');
    await recorder.until(() => chunks.length >= 10);
    await page.evaluate(() =>
      (window as unknown as { negotiate(options: RTCOfferOptions): Promise<void> }).negotiate({ iceRestart: true }),
    );
    await recorder.until(() => peer.state === 'connected');
    const before = chunks.length;
    await recorder.until(() => chunks.length >= before + 30);
    expect(recorder.tracks).toHaveLength(2);
  });
});
