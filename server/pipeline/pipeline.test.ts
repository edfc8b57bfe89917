import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeMask, type MaskMessage } from '../../shared/mask-codec.ts';
import { FakeDecoders, TestTrack } from '../../test/fixtures/fake-media.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import type { DecoderFactory } from '../media/decoder.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { MeanTurnaround } from './mean-turnaround.ts';
import { MaskPipeline } from './pipeline.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const BRIGHT = 200;
const DARK = 50;
const LOUD = 64;
const SILENT = 0;

/** A publisher of 10 frames/s from 100 ms on, dark and bright in turn, with sound from the start; and a model that lights what is bright. */
class Scene {
  readonly decoders = new FakeDecoders();
  readonly telemetry = new TelemetryCollector();
  readonly failures: unknown[] = [];
  readonly masks: MaskMessage[] = [];
  readonly video = new TestTrack('video');
  readonly audio = new TestTrack('audio');
  readonly segmenter: FakeSegmenter;
  readonly pipeline: MaskPipeline;
  loudness = LOUD;

  constructor({ temporal = false, decoders }: { temporal?: boolean; decoders?: DecoderFactory } = {}) {
    this.segmenter = new FakeSegmenter({ ...tinyManifest(), temporal }, ({ inputs }) => {
      // The picture is of one grey.
      for (const { image, logits } of inputs) logits.fill(image[0]! > 100 ? 1 : -1);
      return IMMEDIATE_LOGITS;
    });
    this.pipeline = new MaskPipeline({
      sessionId: 's',
      maskRateHz: 10,
      decoders: decoders ?? this.decoders,
      segmenter: this.segmenter,
      turnarounds: new MeanTurnaround(),
      channel: () => ({ open: true, bufferedAmount: 0, send: (bytes) => this.masks.push(decodeMask(bytes)) > 0 }),
      followed: () => false,
      publish: () => false,
      telemetry: this.telemetry,
      failed: (error) => this.failures.push(error),
    });
  }

  addTracks(): this {
    this.pipeline.addTrack(this.audio);
    this.pipeline.addTrack(this.video);
    return this;
  }

  /** Media of the next `durationMs`, each packet at its time. */
  async play(durationMs: number): Promise<void> {
    const endMs = performance.now() + durationMs;
    while (performance.now() < endMs) {
      const nowMs = performance.now();
      if (nowMs % 20 === 0) this.audio.receive(nowMs, this.loudness);
      if (nowMs % 100 === 0 && nowMs > 0) this.video.receive(nowMs, nowMs % 200 === 0 ? BRIGHT : DARK);
      await vi.advanceTimersByTimeAsync(10);
    }
  }
}

describe('MaskPipeline', () => {
  it('answers each frame with the mask of that very frame', async () => {
    const scene = new Scene().addTracks();
    await scene.play(2100);
    const { masks, decoders, telemetry, pipeline } = scene;
    expect(masks).toHaveLength(20);
    for (const [
      i,
      { sequence, rtpTimestamp, classes, gated, width, height, frameWidth, frameHeight },
    ] of masks.entries()) {
      expect({ sequence, rtpTimestamp, gated, lit: classes.length }).toEqual({
        sequence: i,
        rtpTimestamp: (i + 1) * 9000,
        gated: false,
        lit: i % 2,
      });
      expect([width, height, frameWidth, frameHeight]).toEqual([8, 8, 640, 480]);
    }
    expect(decoders.frames.map(({ closings }) => closings)).toEqual(Array(20).fill(1));
    expect(telemetry.take()).toMatchObject({ drops: {}, counts: { frames: 20, samples: 20, masks: 20 } });
    expect(pipeline.state()).toEqual({
      targetMaskRateHz: 10,
      clockSource: 'arrival',
      frameWidth: 640,
      frameHeight: 480,
    });
  });

  it('pairs on the sender’s clock once its reports have come, and then tells capture times', async () => {
    const scene = new Scene().addTracks();
    await scene.play(1000);
    expect(scene.masks.at(-1)!.captureTimeMs).toBeUndefined();
    // Both clocks of the sender showed `senderMs` when this machine's showed a second.
    const senderMs = 1_900_000_000_000;
    scene.audio.report({ ntpMs: senderMs, rtpTimestamp: 48_000, arrivalMs: 1000 });
    scene.video.report({ ntpMs: senderMs, rtpTimestamp: 90_000, arrivalMs: 1000 });
    await scene.play(1000);
    expect(scene.pipeline.state().clockSource).toBe('sender-report');
    const { captureTimeMs, rtpTimestamp, skewMs } = scene.masks.at(-1)!;
    expect(captureTimeMs).toBeCloseTo(senderMs + rtpTimestamp / 90 - 1000, 3);
    // Within the last hop.
    expect(skewMs).toBeGreaterThan(-10);
    expect(skewMs).toBeLessThanOrEqual(0);
  });

  it('answers silence with dark masks and asks the model nothing', async () => {
    const scene = new Scene().addTracks();
    scene.loudness = SILENT;
    await scene.play(1100);
    expect(scene.masks).toHaveLength(10);
    expect(scene.masks.every(({ gated, classes }) => gated && classes.length === 0)).toBe(true);
    expect(scene.segmenter.requests).toEqual([]);
  });

  it('answers a picture without any sound at once, in the dark', async () => {
    const scene = new Scene();
    scene.pipeline.addTrack(scene.video);
    await scene.play(600);
    expect(scene.masks.map(({ gated }) => gated)).toEqual(Array(5).fill(true));
    expect(scene.masks.at(-1)!.stagesMs.pair).toBe(0);
  });

  it('gives whole windows, growing to their length, to a model that mixes frames', async () => {
    const scene = new Scene({ temporal: true }).addTracks();
    await scene.play(900);
    expect(scene.segmenter.requests.map(({ inputs }) => inputs.length)).toEqual([1, 2, 3, 4, 5, 5, 5, 5]);
    expect(scene.masks).toHaveLength(8);
  });

  it('gives the newest frame only to a model that does not', async () => {
    const scene = new Scene().addTracks();
    await scene.play(900);
    expect(scene.segmenter.requests.map(({ inputs }) => inputs.length)).toEqual(Array(8).fill(1));
  });

  it('goes on with the track that takes the place of another', async () => {
    const scene = new Scene().addTracks();
    await scene.play(1100);
    const replacement = new TestTrack('video');
    scene.pipeline.addTrack(replacement);
    replacement.receive(performance.now(), BRIGHT);
    await scene.play(200);
    expect(scene.decoders.video.map(({ closed }) => closed)).toEqual([true, false]);
    expect(scene.masks).toHaveLength(11);
  });

  it('ends everything when closed, once', async () => {
    const scene = new Scene().addTracks();
    await scene.play(1000);
    // A frame whose sound is still to come.
    await vi.advanceTimersByTimeAsync(10);
    scene.video.receive(performance.now(), BRIGHT);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(1);
    scene.pipeline.close();
    scene.pipeline.close();
    expect(vi.getTimerCount()).toBe(0);
    const { length } = scene.masks;
    await scene.play(500);
    expect(scene.masks).toHaveLength(length);
    expect(scene.decoders.video.map(({ closed }) => closed)).toEqual([true]);
    expect(scene.decoders.audio.map(({ closed }) => closed)).toEqual([true]);
    expect(scene.decoders.frames.every(({ closings }) => closings === 1)).toBe(true);
    expect(scene.failures).toEqual([]);
  });

  it('reports a flow that broke, and has ended it', async () => {
    const broken = new Error('no such codec');
    const audioOnly = new FakeDecoders();
    const decoders: DecoderFactory = {
      videoCodecs: [],
      createVideoDecoder: () => {
        throw broken;
      },
      createAudioDecoder: (...parameters) => audioOnly.createAudioDecoder(...parameters),
    };
    const scene = new Scene({ decoders }).addTracks();
    expect(scene.failures).toEqual([broken]);
    expect(audioOnly.audio.map(({ closed }) => closed)).toEqual([true]);
  });
});
