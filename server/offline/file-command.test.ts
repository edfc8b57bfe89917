import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { ODD_FILES, tone, type VideoFile, writeVideoFile } from '../../test/fixtures/video-file.ts';
import { FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import { openMediaFile } from '../media/node-av-file.ts';
import { runOnFile } from './file-command.ts';
import type { OutputPaths } from './file-outputs.ts';
import { segment } from './segment-file.ts';

let folder: string;
let said = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avsac-'));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const SMALL = { codec: 'H264', width: 64, height: 48 } as const;

function write(name: string, content: Omit<VideoFile, 'path'>): string {
  const path = join(folder, name);
  writeVideoFile({ path, ...content });
  return path;
}

/** With a model that lights everything. @returns the line at the end. */
async function run(path: string, outputs: OutputPaths): Promise<string> {
  said = '';
  const segmenter = new FakeSegmenter(tinyManifest(), ({ inputs }) => {
    for (const { logits } of inputs) logits.fill(1);
    return IMMEDIATE_LOGITS;
  });
  await runOnFile(path, outputs, (file) => segment(file, 10, segmenter));
  return said;
}

async function pictures(path: string) {
  return Array.from((await openMediaFile(path)).pictures(), (picture) => {
    picture.close();
    return picture;
  });
}

describe('runOnFile', () => {
  it.each(ODD_FILES)('segments a file with %s and draws it', async (_, masks, writeFile) => {
    const [out, overlay] = [join(folder, 'odd.jsonl'), join(folder, 'odd.mp4')];
    expect(await run(writeFile(folder), { out, overlay })).toContain(`${masks} masks`);
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(masks);
    expect((await pictures(overlay)).length).toBeGreaterThan(0);
  });

  it('says what a file lacks', async () => {
    const path = write('mute.mp4', { video: { ...SMALL, timesMs: [0] } });
    expect(await run(path, { out: join(folder, 'mute.jsonl') })).toContain('no sound');
  });

  it.each<[string, string, () => Promise<string>]>([
    ['is not there', 'is not there', async () => join(folder, 'nowhere.mp4')],
    ['is no media', 'FFmpeg finds no media', () => writeText('letter.mp4', 'Dear Sir or Madam')],
    ['has sound alone', 'has no video', async () => write('sound.m4a', { sound: { codec: 'aac', pcm: tone(1) } })],
    [
      'would be written over',
      'is the file that is read',
      async () => write('same.mp4', { video: { ...SMALL, timesMs: [0] } }),
    ],
  ])('says in a sentence why a file that %s has no masks', async (_, reason, make) => {
    const path = await make();
    await expect(run(path, { overlay: path.replace(/[^.]*$/, 'mp4') })).rejects.toThrow(reason);
  });

  it.each([
    ['a folder that is not there', { out: 'nowhere/masks.jsonl' }, 'nowhere'],
    ['a container it does not write', { overlay: 'video.avi' }, 'ends in none of .mp4'],
    ['a picture it does not write', { preview: 'sheet.jpg' }, 'does not end in .png'],
  ])('refuses %s before there is work to lose', async (_, outputs, reason) => {
    const path = write('fine.mp4', { video: { ...SMALL, timesMs: [0] } });
    const inFolder = Object.fromEntries(Object.entries(outputs).map(([key, name]) => [key, join(folder, name)]));
    const segmented = vi.fn();
    await expect(runOnFile(path, inFolder, segmented)).rejects.toThrow(reason);
    expect(segmented).not.toHaveBeenCalled();
  });
});

async function writeText(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}
