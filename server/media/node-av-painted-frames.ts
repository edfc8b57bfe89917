/** The frames of a file with its masks burnt in. */
import { FilterAPI } from 'node-av/api';
import type { Frame } from 'node-av/lib';
import { expandCounts } from '../../shared/coco-annotation.ts';
import { AvsacError } from '../../shared/errors.ts';
import type { FileMask } from '../../shared/results.ts';
import { decodeRuns } from '../../shared/rle.ts';
import { type PaintedMask, paintMasks } from './mask-paint.ts';
import type { NodeAvFile } from './node-av-file.ts';

/** A mask is shown until the next, but no longer than this: masks come twice a second at least; ms. */
const HOLD_MS = 600;

export interface PaintedFrame {
  /** 4:2:0, 8 bits, of even size, the same for all. Freed when the next is asked for. */
  readonly frame: Frame;
  readonly presentationTimeMs: number;
}

/** @param masks in the order of their frames. */
export function* paintedFrames(file: NodeAvFile, masks: readonly FileMask[]): Generator<PaintedFrame> {
  let filter: FilterAPI | undefined;
  let next = 0;
  let painted: readonly PaintedMask[] = [];
  try {
    for (const upright of file.uprightFrames()) {
      const { frame: source, presentationTimeMs } = upright;
      for (; next < masks.length && masks[next]!.presentationTimeMs <= presentationTimeMs + 0.001; next++) {
        painted = masksOf(masks[next]!);
      }
      const age = presentationTimeMs - (masks[next - 1]?.presentationTimeMs ?? Number.NEGATIVE_INFINITY);
      const size = [source.width, source.height].map((length) => 2 * Math.ceil(length / 2)).join(':');
      filter ??= FilterAPI.create(`scale=${size},format=yuv420p`);
      const frames = filter.processAllSync(source);
      source.free();
      for (const frame of frames) {
        try {
          if (age < HOLD_MS) paint(frame, painted);
          yield { frame, presentationTimeMs };
        } finally {
          frame.free();
        }
      }
    }
  } finally {
    filter?.close();
  }
}

function masksOf({ annotations }: FileMask): PaintedMask[] {
  return annotations.map(({ classIndex, segmentation: { size, counts } }) => {
    const [height, width] = size;
    const mask = new Uint8Array(width * height);
    decodeRuns(expandCounts(counts), width, height, mask);
    return { mask, width, height, classIndex };
  });
}

function paint(frame: Frame, masks: readonly PaintedMask[]): void {
  if (masks.length === 0) return;
  // The decoder may still predict from these pixels.
  const status = frame.makeWritable();
  const [y, cb, cr] = frame.data ?? [];
  if (status < 0 || !y || !cb || !cr)
    throw new AvsacError('internal', `a frame cannot be painted (FFmpeg error ${status})`);
  const { width, height, linesize } = frame;
  paintMasks({ width, height, planes: [y, cb, cr], strides: [linesize[0]!, linesize[1]!, linesize[2]!] }, masks);
}
