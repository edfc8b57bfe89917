import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { steadyTimesMs, tone, turnByAQuarter, type VideoFile, writeVideoFile } from '../../test/fixtures/video-file.ts';
import { FILE_SAMPLE_RATE_HZ } from './media-file.ts';
import { openMediaFile } from './node-av-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-'));
});
afterAll(() => rm(folder, { recursive: true }));

const [WIDTH, HEIGHT] = [64, 48];
const SMALL = { codec: 'VP8', width: WIDTH, height: HEIGHT } as const;

/** @param name ends in the container. */
function write(name: string, content: Omit<VideoFile, 'path'>): string {
  const path = join(folder, name);
  writeVideoFile({ path, ...content });
  return path;
}

/** Times, sizes, and mean luma of the upper left quarter and of the lower right one. */
async function see(path: string) {
  const luma = new Uint8Array(4);
  return [...(await openMediaFile(path)).pictures()].map((picture) => {
    picture.lumaTo(luma, 2, 2);
    picture.close();
    const { presentationTimeMs, rtpTimestamp, width, height } = picture;
    return { presentationTimeMs, rtpTimestamp, width, height, luma: [...luma] };
  });
}

/** All of it in one piece, and where it begins. */
async function listen(path: string) {
  const file = await openMediaFile(path);
  const pieces = Array.from(file.sound(), ({ position, samples }) => ({ position, samples: [...samples] }));
  const start = pieces[0]?.position ?? 0;
  let end = start;
  for (const { position, samples } of pieces) {
    expect(position).toBe(end);
    expect(samples.length).toBeLessThanOrEqual(FILE_SAMPLE_RATE_HZ / 10);
    end += samples.length;
  }
  return { start, samples: pieces.flatMap(({ samples }) => samples) };
}

describe('openMediaFile', () => {
  it.each([
    ['steady.webm', 'VP8'],
    ['reordered.mp4', 'H264'],
    ['other.avi', 'MPEG4'],
  ] as const)('gives every picture of %s at its time', async (name, codec) => {
    const timesMs = steadyTimesMs(30);
    const pictures = await see(write(name, { video: { ...SMALL, codec, timesMs } }));
    expect(pictures.map(({ presentationTimeMs }) => Math.round(presentationTimeMs))).toEqual(timesMs);
    expect(pictures.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual(timesMs.map((ms) => ms * 90));
    expect(pictures[0]).toMatchObject({ width: WIDTH, height: HEIGHT });
  });

  it('keeps the times of a rate that varies, and of one picture alone', async () => {
    const timesMs = [0, 40, 500, 510, 4000, 4040];
    expect((await see(write('vfr.mkv', { video: { ...SMALL, timesMs } }))).map((p) => p.presentationTimeMs)).toEqual(
      timesMs,
    );
    expect(await see(write('one.mp4', { video: { ...SMALL, codec: 'H264', timesMs: [0] } }))).toHaveLength(1);
  });

  it('turns pictures as the file says', async () => {
    const path = join(folder, 'turned.mp4');
    const paint = (i420: Uint8Array) => {
      for (let y = 0; y < HEIGHT / 2; y++) i420.fill(235, y * WIDTH, y * WIDTH + WIDTH / 2);
    };
    writeVideoFile({ path, video: { ...SMALL, codec: 'H264', timesMs: steadyTimesMs(3), paint } });
    expect((await see(path))[0]!.luma.map((value) => value > 180)).toEqual([true, false, false, false]);
    turnByAQuarter(path);
    const [first] = await see(path);
    expect(first).toMatchObject({ width: HEIGHT, height: WIDTH });
    // Upper left, clockwise, is upper right.
    expect(first!.luma.map((value) => value > 180)).toEqual([false, true, false, false]);
  });

  it.each([
    ['opus.webm', 'opus'],
    ['aac.mp4', 'aac'],
    ['pcm.mkv', 'pcm'],
  ] as const)('gives the sound of %s where it was, within a millisecond', async (name, codec) => {
    // Silence but for 40 ms in the middle.
    const pcm = tone(1).map((sample, i) => (i >= 24_000 && i < 25_920 ? sample : 0));
    const video = { ...SMALL, codec: codec === 'aac' ? 'H264' : 'VP8', timesMs: steadyTimesMs(25) } as const;
    const { start, samples } = await listen(write(name, { video, sound: { codec, pcm } }));
    const energy = samples.map((sample) => sample * sample);
    const total = energy.reduce((sum, value) => sum + value, 0);
    const centre = energy.reduce((sum, value, i) => sum + value * (start + i), 0) / total;
    expect(Math.abs(centre - 24_960)).toBeLessThan(FILE_SAMPLE_RATE_HZ / 1000);
    expect(Math.sqrt(total / 1920)).toBeCloseTo(0.3 / Math.SQRT2, 1);
  });

  it('passes over what is damaged in the middle', async () => {
    const path = write('damaged.webm', { video: { ...SMALL, timesMs: steadyTimesMs(60), paint: noise } });
    const bytes = await readFile(path);
    bytes.fill(0xff, Math.floor(bytes.length * 0.4), Math.floor(bytes.length * 0.6));
    await writeFile(path, bytes);
    const pictures = await see(path);
    expect(pictures.length).toBeGreaterThan(15);
    expect(pictures.length).toBeLessThan(60);
  });

  it.each([
    ['nothing.mp4', undefined, 'nothing.mp4 is not there'],
    ['empty.mp4', '', 'empty.mp4 is empty'],
    ['letter.txt', 'Dear Sir or Madam,\n'.repeat(200), 'letter.txt is text'],
    ['letter.mp4', 'Dear Sir or Madam', 'FFmpeg finds no media in it'],
    ['list.m3u8', '#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n', 'FFmpeg finds no media in it'],
  ])('refuses %s and says why', async (name, content, reason) => {
    const path = join(folder, name);
    if (content !== undefined) await writeFile(path, content);
    await expect(openMediaFile(path)).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining(reason),
    });
  });

  it('refuses sound alone', async () => {
    const path = write('sound.m4a', { sound: { codec: 'aac', pcm: tone(1) } });
    await expect(openMediaFile(path)).rejects.toMatchObject({ code: 'file-without-video' });
  });
});

function noise(i420: Uint8Array, index: number): void {
  for (let i = 0; i < i420.length; i++) i420[i] = (Math.imul(i + 1, 2_654_435_761) >>> (8 + (index % 16))) & 0xff;
}
