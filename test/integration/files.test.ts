/** `avsac-live segment` and `publish`, as a person runs them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMediaFile } from '../../server/media/node-av-file.ts';
import { type FileMask, FileMaskSchema } from '../../shared/results.ts';
import { spawnServer } from '../fixtures/server-process.ts';
import { writeTinyModel } from '../fixtures/tiny-model.ts';
import { ODD_FILES, steadyTimesMs, tone, type VideoFile, writeVideoFile } from '../fixtures/video-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-'));
});
afterAll(() => rm(folder, { recursive: true }));

function write(name: string, content: Omit<VideoFile, 'path'>): string {
  const path = join(folder, name);
  writeVideoFile({ path, ...content });
  return path;
}

async function run(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawnServer(args);
  return { code: (await child.exited)!, output: child.output() };
}

const segment = (path: string, ...outputs: string[]) => run('segment', path, '--providers', 'cpu', ...outputs);

async function masksOf(path: string): Promise<FileMask[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line) => Value.Parse(FileMaskSchema, JSON.parse(line)));
}

describe('avsac-live with a file', () => {
  it('gives the same masks of the same file to the byte, a video with them and its sound, and a contact sheet', async () => {
    const path = write('talk.mp4', {
      video: { codec: 'H264', width: 320, height: 240, timesMs: steadyTimesMs(50), paint: bar },
      sound: { codec: 'aac', pcm: tone(2) },
    });
    const [first, second, overlay, preview] = ['a.jsonl', 'b.jsonl', 'o.mp4', 'p.png'].map((name) =>
      join(folder, name),
    );
    const { code, output } = await segment(path, '--out', first!, '--overlay', overlay!, '--preview', preview!);
    expect(output).toContain('20 masks');
    expect(code).toBe(0);
    expect((await segment(path, '--out', second!)).code).toBe(0);
    expect(await readFile(second!, 'utf8')).toBe(await readFile(first!, 'utf8'));
    const times = (await masksOf(first!)).map(({ presentationTimeMs }) => presentationTimeMs);
    // At 25 frames/s, of 10 turns a second every other falls on a frame.
    expect(times.slice(0, 5)).toEqual([0, 120, 200, 320, 400]);
    const drawn = await openMediaFile(overlay!);
    expect([...drawn.pictures()].map(closed)).toHaveLength(50);
    expect([...drawn.sound()].length).toBeGreaterThan(90);
    expect((await readFile(preview!)).subarray(1, 4).toString()).toBe('PNG');
  });

  it('gives the masks that publishing the same file gives, of every frame that both sampled', async () => {
    const model = join(folder, 'model');
    await writeTinyModel(model);
    const path = write('dusk.webm', {
      video: { codec: 'VP8', width: 320, height: 240, timesMs: steadyTimesMs(100), paint: dusk },
      sound: { codec: 'opus', pcm: tone(4).map((sample, i) => sample * (0.5 + 0.5 * Math.sin(i / 9000))) },
    });
    const [segmented, published] = [join(folder, 's.jsonl'), join(folder, 'p.jsonl')];
    const shared = ['--providers', 'cpu', '--model', model];
    expect((await run('segment', path, ...shared, '--out', segmented)).code).toBe(0);
    const { code, output } = await run('publish', path, ...shared, '--fast', '--out', published);
    expect(output).toContain('masks');
    expect(code).toBe(0);
    const expected = new Map((await masksOf(segmented)).map((mask) => [mask.presentationTimeMs, mask]));
    const pairs = (await masksOf(published)).flatMap((mask) => {
      const same = expected.get(mask.presentationTimeMs);
      return same ? [{ mask, same }] : [];
    });
    expect(pairs.length).toBeGreaterThanOrEqual(5);
    // Sound moves the edge of what is lit: masks that differ are masks of different sound.
    expect(new Set(pairs.map(({ same }) => same.annotations[0]?.area)).size).toBeGreaterThan(2);
    for (const { mask, same } of pairs) {
      expect({ ...mask, loudnessDbfs: 0 }).toEqual({ ...same, loudnessDbfs: 0 });
      // What Opus warms up with is heard by a live decoder, some 200 dB below full scale; of a file it is cut off.
      const [live, cut] = [mask, same].map(({ loudnessDbfs }) => Math.max(-100, loudnessDbfs ?? -100));
      expect(Math.abs(live! - cut!)).toBeLessThanOrEqual(0.1);
    }
  });

  it.each(ODD_FILES)('publishes a file with %s', async (_, due, writeOddFile) => {
    const model = join(folder, 'tiny');
    await writeTinyModel(model);
    const out = join(folder, 'odd.jsonl');
    const flags = ['--providers', 'cpu', '--model', model, '--fast', '--out', out];
    const { code, output } = await run('publish', writeOddFile(folder), ...flags);
    expect(output).toContain('masks');
    expect(code).toBe(0);
    const times = (await masksOf(out)).map(({ presentationTimeMs }) => presentationTimeMs);
    expect(times.length).toBeGreaterThan(0);
    expect(times.length).toBeLessThanOrEqual(due);
  });

  it('says in a sentence why a file that is sound alone is not published', async () => {
    const path = write('sound.m4a', { sound: { codec: 'aac', pcm: tone(1) } });
    const { code, output } = await run('publish', path);
    expect(output).toMatch(/^avsac-live: .*has no video/m);
    expect(code).toBe(1);
  });

  it('says in a sentence why a file has no masks', async () => {
    const { code, output } = await segment(join(folder, 'nowhere.mp4'));
    expect(output).toMatch(/^avsac-live: .*nowhere.mp4 is not there\)$/m);
    expect(output).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });
});

function closed<T extends { close(): void }>(picture: T): T {
  picture.close();
  return picture;
}

/** So dark that the tiny model lights what is brighter than the sound is loud: columns from black to nearly black. */
function dusk(i420: Uint8Array, index: number): void {
  for (let x = 0; x < 320; x++) for (let y = 0; y < 240; y++) i420[y * 320 + x] = 16 + (((x >> 5) + (index >> 4)) % 10);
  i420.fill(128, 320 * 240);
}

function bar(i420: Uint8Array, index: number): void {
  i420.fill(90, 0, 320 * 240);
  for (let y = 60; y < 180; y++) i420.fill(220, y * 320 + 4 * index, y * 320 + 4 * index + 60);
}
