import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { DecodeThreadData } from '../../test/fixtures/decode-thread.ts';
import { encodeOpus, encodeVideo, type TestVideoCodec } from '../../test/fixtures/encode-media.ts';
import type { DecodedFrame } from './decoder.ts';
import type { EncodedChunk } from './encoded-chunk.ts';
import { loadDecoderFactory } from './node-av-decoder.ts';

const factory = await loadDecoderFactory();

interface Shown {
  readonly rtpTimestamp: number;
  readonly width: number;
  readonly height: number;
}

function videoDecoder(codec: string) {
  const shown: Shown[] = [];
  const causes: string[] = [];
  const decoder = factory.createVideoDecoder(codec, {
    frame(frame) {
      shown.push({ rtpTimestamp: frame.rtpTimestamp, width: frame.width, height: frame.height });
      frame.close();
    },
    keyFrameNeeded: (cause) => causes.push(cause),
  });
  return { decoder, shown, causes };
}

/** One frame of a single colour, decoded. */
function decodeColour(
  codec: TestVideoCodec,
  [y, u, v]: readonly [number, number, number],
  fullRange = false,
): DecodedFrame {
  const [chunk] = encodeVideo({
    codec,
    fullRange,
    width: 64,
    height: 48,
    frames: 1,
    paint: (i420) => i420.fill(y, 0, 3072).fill(u, 3072, 3840).fill(v, 3840),
  });
  let decoded: DecodedFrame | undefined;
  const decoder = factory.createVideoDecoder(codec, {
    frame: (frame) => {
      decoded = frame;
    },
    keyFrameNeeded: (cause) => expect.unreachable(cause),
  });
  decoder.decode(chunk!);
  decoder.close();
  return decoded!;
}

describe.each(['VP8', 'H264', 'VP9', 'AV1'] as const)('%s', (codec) => {
  it('gives every frame during its own decode call, with its RTP timestamp across the wrap', () => {
    const { decoder, shown, causes } = videoDecoder(codec);
    const chunks = encodeVideo({ codec, width: 160, height: 120, frames: 12, firstRtpTimestamp: 2 ** 32 - 9000 });
    chunks.forEach((chunk, index) => {
      decoder.decode(chunk);
      expect(shown).toHaveLength(index + 1);
    });
    expect(shown).toEqual(chunks.map(({ rtpTimestamp }) => ({ rtpTimestamp, width: 160, height: 120 })));
    expect(causes).toEqual([]);
    decoder.close();
  });

  it('follows a change of resolution at a key frame', () => {
    const { decoder, shown, causes } = videoDecoder(codec);
    const small = encodeVideo({ codec, width: 160, height: 120, frames: 3 });
    const large = encodeVideo({ codec, width: 322, height: 242, frames: 3, firstRtpTimestamp: 9000 });
    for (const chunk of [...small, ...large]) decoder.decode(chunk);
    expect(shown.map(({ width, height }) => `${width}x${height}`)).toEqual([
      ...Array<string>(3).fill('160x120'),
      ...Array<string>(3).fill('322x242'),
    ]);
    expect(causes).toEqual([]);
    decoder.close();
  });

  it('never throws on damaged chunks, asks for a key frame and goes on at the next one', () => {
    const { decoder, shown, causes } = videoDecoder(codec);
    const chunks = encodeVideo({ codec, width: 160, height: 120, frames: 60, keyInterval: 10 });
    let seed = 7;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    for (let round = 0; round < 5; round++) {
      for (const chunk of chunks) {
        const data = Uint8Array.from(chunk.data).map((byte) => (random() < 0.02 ? random() * 256 : byte));
        decoder.decode({ ...chunk, data: random() < 0.3 ? data.subarray(0, random() * data.length) : data });
      }
    }
    decoder.decode({ ...chunks[0]!, data: new Uint8Array(0) });
    expect(causes.length).toBeGreaterThan(0);
    const before = shown.length;
    for (const chunk of chunks.slice(0, 10)) decoder.decode(chunk);
    expect(shown.length - before).toBe(10);
    decoder.close();
  });
});

describe('video decoder', () => {
  it('drops and counts delta chunks before the first key chunk', () => {
    const { decoder, shown, causes } = videoDecoder('VP8');
    const chunks = encodeVideo({ codec: 'VP8', width: 64, height: 48, frames: 5 });
    for (const chunk of chunks.slice(1)) decoder.decode(chunk);
    expect(decoder.dropped).toBe(4);
    expect(shown).toEqual([]);
    expect(causes).toEqual([]);
    decoder.close();
  });

  it('after a broken chunk waits for a key chunk', () => {
    const { decoder, shown, causes } = videoDecoder('VP8');
    const chunks = encodeVideo({ codec: 'VP8', width: 64, height: 48, frames: 8, keyInterval: 5 });
    const broken = chunks.map((chunk, index) => (index === 2 ? { ...chunk, data: new Uint8Array(1) } : chunk));
    for (const chunk of broken) decoder.decode(chunk);
    expect(causes).toHaveLength(1);
    expect(decoder.dropped).toBe(2);
    expect(shown).toHaveLength(5);
    decoder.close();
  });

  it('survives being closed from within its own listener, twice, and ignores chunks afterwards', () => {
    const chunks = encodeVideo({ codec: 'VP8', width: 64, height: 48, frames: 2 });
    let frames = 0;
    const decoder = factory.createVideoDecoder('VP8', {
      frame(frame) {
        frames++;
        frame.close();
        frame.close();
        decoder.close();
      },
      keyFrameNeeded: (cause) => expect.unreachable(cause),
    });
    for (const chunk of chunks) decoder.decode(chunk);
    decoder.close();
    expect(frames).toBe(1);
  });

  it('refuses a codec it does not have', () => {
    const listener = { frame: (frame: DecodedFrame) => frame.close(), keyFrameNeeded: () => {} };
    expect(() => factory.createVideoDecoder('H265', listener)).toThrow(
      expect.objectContaining({ code: 'codec-unsupported' }),
    );
  });
});

describe('scaleTo', () => {
  // BT.601 limited range: ITU-R BT.601-7 §3.
  it.each([
    ['white', [235, 128, 128], [255, 255, 255]],
    ['black', [16, 128, 128], [0, 0, 0]],
    ['grey', [126, 128, 128], [128, 128, 128]],
    ['red', [81, 90, 240], [254, 0, 0]],
    ['green', [145, 54, 34], [0, 255, 1]],
    ['blue', [41, 240, 110], [0, 0, 255]],
  ] as const)('turns %s into RGB by BT.601', async (_name, yuv, rgb) => {
    const frame = decodeColour('H264', yuv);
    const out = new Uint8Array(new SharedArrayBuffer(32 * 32 * 3));
    await frame.scaleTo(out, 32, 32);
    for (let channel = 0; channel < 3; channel++) {
      const values = out.filter((_, index) => index % 3 === channel);
      expect(Math.max(...values.map((value) => Math.abs(value - rgb[channel]!)))).toBeLessThanOrEqual(4);
    }
    frame.close();
  });

  it('honours full range where the stream signals it', async () => {
    const out = new Uint8Array(16 * 16 * 3);
    const frame = decodeColour('H264', [64, 128, 128], true);
    await frame.scaleTo(out, 16, 16);
    frame.close();
    expect(Math.max(...out.map((value) => Math.abs(value - 64)))).toBeLessThanOrEqual(2);
  });

  it('averages over area: fine stripes become their mean, halves stay apart', async () => {
    const [chunk] = encodeVideo({
      codec: 'H264',
      width: 128,
      height: 96,
      frames: 1,
      paint(i420) {
        i420.fill(128, 128 * 96);
        for (let y = 0; y < 96; y++) {
          for (let x = 0; x < 128; x++) i420[y * 128 + x] = x < 64 ? (x % 2 === 0 ? 56 : 196) : 235;
        }
      },
    });
    const out = new Uint8Array(16 * 12 * 3);
    let scaling: Promise<void> | undefined;
    const decoder = factory.createVideoDecoder('H264', {
      frame(frame) {
        scaling = frame.scaleTo(out, 16, 12).finally(() => frame.close());
      },
      keyFrameNeeded: (cause) => expect.unreachable(cause),
    });
    decoder.decode(chunk!);
    decoder.close();
    await scaling;
    for (let y = 1; y < 11; y++) {
      expect(out[(y * 16 + 3) * 3]).toBeGreaterThan(118);
      expect(out[(y * 16 + 3) * 3]).toBeLessThan(138);
      expect(out[(y * 16 + 12) * 3]).toBeGreaterThan(249);
    }
  });

  it.each([
    ['limited', 126, false, 128],
    ['full', 64, true, 64],
  ] as const)('gives luma of %s range as 0..255', (_range, y, fullRange, expected) => {
    const frame = decodeColour('H264', [y, 90, 200], fullRange);
    const luma = new Uint8Array(24 * 18);
    frame.lumaTo(luma, 24, 18);
    expect(Math.max(...luma.map((value) => Math.abs(value - expected)))).toBeLessThanOrEqual(2);
    expect(() => frame.lumaTo(luma, 18, 18)).toThrow(RangeError);
    frame.close();
    expect(() => frame.lumaTo(luma, 24, 18)).toThrow('closed frame');
  });

  it('rejects a buffer of another size and a closed frame', async () => {
    const frame = decodeColour('VP8', [126, 128, 128]);
    await expect(frame.scaleTo(new Uint8Array(10), 32, 32)).rejects.toThrow(RangeError);
    frame.close();
    await expect(frame.scaleTo(new Uint8Array(32 * 32 * 3), 32, 32)).rejects.toThrow('closed frame');
  });
});

describe('Opus', () => {
  function decodeOpus(chunks: readonly EncodedChunk[], channels: number) {
    const heard = new Map<number, number>();
    const decoder = factory.createAudioDecoder('opus', channels, {
      audio({ rtpTimestamp, sampleRateHz, samples }) {
        expect(sampleRateHz).toBe(48_000);
        for (const [index, sample] of samples.entries()) heard.set((rtpTimestamp + index) | 0, sample);
      },
    });
    for (const chunk of chunks) decoder.decode(chunk);
    decoder.close();
    return { heard, decoder };
  }

  /** A chirp with an envelope: its correlation has one peak. */
  const chirp = Float32Array.from({ length: 48_000 }, (_, n) => {
    const t = n / 48_000;
    return 0.5 * Math.sin(2 * Math.PI * (200 + 900 * t) * t) * Math.sin(Math.PI * t) ** 2;
  });

  it('puts samples at the time they were captured, codec delay taken off, within 0.1 ms', () => {
    const { heard } = decodeOpus(encodeOpus(chirp), 1);
    const correlation = (lag: number) => {
      let sum = 0;
      for (let n = 12_000; n < 36_000; n++) sum += chirp[n]! * (heard.get(n + lag) ?? 0);
      return sum;
    };
    let best = -1000;
    for (let lag = -400; lag <= 400; lag++) if (correlation(lag) > correlation(best)) best = lag;
    expect(Math.abs(best)).toBeLessThanOrEqual(5);
  });

  it('mixes stereo down to its mean', () => {
    const stereo = Float32Array.from({ length: 96_000 }, (_, n) => (n % 2 === 0 ? chirp[n >> 1]! : 0));
    const { heard } = decodeOpus(encodeOpus(stereo, 2), 2);
    let error = 0;
    let energy = 0;
    for (let n = 12_000; n < 36_000; n++) {
      error += (heard.get(n)! - chirp[n]! / 2) ** 2;
      energy += (chirp[n]! / 2) ** 2;
    }
    expect(error / energy).toBeLessThan(0.05);
  });

  const energy = (heard: Map<number, number>, from: number, to: number) => {
    let sum = 0;
    for (let n = from; n < to; n++) sum += (heard.get(n) ?? 0) ** 2;
    return sum;
  };

  it.each([1, 2])('conceals %i lost packets, and is in step again after them', (lost) => {
    const chunks = encodeOpus(chirp, 1, 2 ** 32 - 20 * 960);
    const { heard: whole } = decodeOpus(chunks, 1);
    const { heard } = decodeOpus(chunks.toSpliced(24, lost), 1);
    expect(heard.size).toBe(whole.size);
    const [from, to] = [4 * 960, (4 + lost) * 960];
    expect(energy(heard, from, to) / energy(whole, from, to)).toBeGreaterThan(0.3);
    const after = to + 2 * 960;
    let error = 0;
    for (let n = after; n < after + 9600; n++) error += (heard.get(n)! - whole.get(n)!) ** 2;
    expect(error / energy(whole, after, after + 9600)).toBeLessThan(0.05);
  });

  it('makes nothing up for a silence that was not sent', () => {
    const chunks = encodeOpus(chirp);
    expect(decodeOpus(chunks.toSpliced(10, 6), 1).heard.size).toBe((chunks.length - 6) * 960);
  });

  it('drops a packet that cannot be decoded, counts it, and conceals it when the next one comes', () => {
    const chunks = encodeOpus(chirp);
    const broken = chunks.map((chunk, index) => (index === 10 ? { ...chunk, data: new Uint8Array(0) } : chunk));
    const { heard, decoder } = decodeOpus(broken, 1);
    expect(decoder.dropped).toBe(1);
    expect(heard.size).toBe(chunks.length * 960);
  });
});

describe('worker threads', () => {
  const media = {
    video: encodeVideo({ codec: 'VP8', width: 320, height: 240, frames: 20 }),
    audio: encodeOpus(new Float32Array(9600)),
  };
  const start = (data: DecodeThreadData) =>
    new Worker(new URL('../../test/fixtures/decode-thread.ts', import.meta.url), { workerData: data });

  it('decodes several streams in several threads, which then end by themselves', async () => {
    const threads = Array.from({ length: 2 }, () => start({ ...media, decoders: 3, abandon: false }));
    await Promise.all(
      threads.map(async (thread) => {
        const exit = once(thread, 'exit');
        const [counts] = await once(thread, 'message');
        expect(counts).toEqual({ frames: 60, samples: 28_800 });
        expect(await exit).toEqual([0]);
      }),
    );
  });

  it('survives the end of a thread whose decoders are open', async () => {
    const thread = start({ ...media, decoders: 2, abandon: true });
    expect(await once(thread, 'exit')).toEqual([0]);
    const { decoder, shown } = videoDecoder('VP8');
    for (const chunk of media.video) decoder.decode(chunk);
    decoder.close();
    expect(shown).toHaveLength(20);
  });
});
