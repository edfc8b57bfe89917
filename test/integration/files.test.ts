/** `avsac-live segment`, as a person runs it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMediaFile } from '../../server/media/node-av-file.ts';
import { type FileMask, FileMaskSchema } from '../../shared/results.ts';
import { spawnServer } from '../fixtures/server-process.ts';
import { steadyTimesMs, tone, type VideoFile, writeVideoFile } from '../fixtures/video-file.ts';

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

async function segment(path: string, ...outputs: string[]): Promise<{ code: number; output: string }> {
  const run = spawnServer(['segment', path, '--providers', 'cpu', ...outputs]);
  return { code: (await run.exited)!, output: run.output() };
}

async function masksOf(path: string): Promise<FileMask[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line) => Value.Parse(FileMaskSchema, JSON.parse(line)));
}

describe('avsac-live segment', () => {
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

function bar(i420: Uint8Array, index: number): void {
  i420.fill(90, 0, 320 * 240);
  for (let y = 60; y < 180; y++) i420.fill(220, y * 320 + 4 * index, y * 320 + 4 * index + 60);
}
