/** What `avsac-live segment` and `avsac-live publish` do with a file: masks, outputs, progress, one line at the end. */
import { SingleBar } from 'cli-progress';
import type { FileMask } from '../../shared/results.ts';
import { type NodeAvFile, openMediaFile } from '../media/node-av-file.ts';
import { FileOutputs, type OutputPaths } from './file-outputs.ts';

/** How far a file is, and the mask of that moment where there is one. */
export interface FileProgress {
  readonly presentationTimeMs: number;
  readonly mask: FileMask | undefined;
}

/**
 * Progress and the summary go to standard error; masks to standard output when nothing else is asked for.
 * @param masksOf the masks of a file in the order of their frames.
 * @throws AvsacError `file-*`, and what `masksOf` throws.
 */
export async function runOnFile(
  path: string,
  outputs: OutputPaths,
  masksOf: (file: NodeAvFile) => AsyncIterable<FileProgress>,
): Promise<void> {
  const file = await openMediaFile(path);
  const written = await FileOutputs.create(file, outputs);
  try {
    await run(path, file, written, masksOf(file));
  } finally {
    await written.close();
  }
}

async function run(
  path: string,
  file: NodeAvFile,
  written: FileOutputs,
  masks: AsyncIterable<FileProgress>,
): Promise<void> {
  const count = { frames: 0, masks: 0, lit: 0, silent: 0 };
  let lastMs = 0;
  const startMs = performance.now();
  await withBar('masks', file, async (progress) => {
    for await (const { presentationTimeMs, mask } of masks) {
      count.frames++;
      lastMs = presentationTimeMs;
      progress(presentationTimeMs);
      if (mask === undefined) continue;
      count.masks++;
      if (mask.annotations.length > 0) count.lit++;
      if (mask.gated) count.silent++;
      await written.add(mask);
    }
  });
  const seconds = (performance.now() - startMs) / 1000;
  if (written.drawn) await withBar('drawing', file, (progress) => written.draw(progress));
  const notes = [
    file.hasSound ? '' : 'it has no sound, so that nothing can be lit',
    file.damaged > 0 ? `${file.damaged} damaged packets were passed over` : '',
  ].filter((note) => note !== '');
  process.stderr.write(
    `${path}: ${count.masks} masks (${count.lit} lit, ${count.silent} in silence), ` +
      `${((file.durationMs ?? lastMs) / 1000).toFixed(1)} s of video in ${seconds.toFixed(1)} s` +
      `${notes.map((note) => `; ${note}`).join('')}\n`,
  );
}

async function withBar(
  name: string,
  file: NodeAvFile,
  work: (progress: (presentationTimeMs: number) => void) => Promise<void>,
): Promise<void> {
  const bar = new SingleBar({
    format: `${name} {bar} {value}/{total} s, {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  const total = Math.ceil((file.durationMs ?? 0) / 1000);
  if (total > 0) bar.start(total, 0);
  try {
    await work((presentationTimeMs) => {
      if (total > 0) bar.update(Math.min(total, Math.floor(presentationTimeMs / 1000)));
    });
  } finally {
    bar.stop();
  }
}
