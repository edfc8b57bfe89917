/** A mask for machines: a line of the results feed (docs/results-feed.md), or of a file's masks (docs/files.md). */
import { compressCounts, shapeOf } from '../../shared/coco-annotation.ts';
import type { MaskMessage } from '../../shared/mask-codec.ts';
import type { Result } from '../../shared/results.ts';

/** A mask, and how loud its frame's sound was. */
interface Measured {
  readonly message: MaskMessage;
  /** RMS, dBFS; -Infinity for digital silence. */
  readonly levelDbfs: number;
}

/**
 * @param classNames of the model, by class index.
 * @returns JSON in one line, without its line feed.
 */
export function resultLine(mask: Measured, classNames: readonly string[]): string {
  return JSON.stringify(resultOf(mask, classNames));
}

export function resultOf({ message, levelDbfs }: Measured, classNames: readonly string[]): Result {
  const { sequence, rtpTimestamp, captureTimeMs, frameWidth, frameHeight, gated, width, height, classes } = message;
  const annotations = classes.flatMap(({ classIndex, runs }) => {
    const shape = shapeOf(runs, height);
    if (shape === undefined) return [];
    const size: [number, number] = [height, width];
    const { area, bbox, centroid } = shape;
    return {
      classIndex,
      className: classNames[classIndex] ?? '',
      segmentation: { size, counts: compressCounts(runs) },
      area,
      bbox: [...bbox] as Result['annotations'][number]['bbox'],
      centroid: [round(centroid[0], 2), round(centroid[1], 2)] as [number, number],
    };
  });
  return {
    type: 'result',
    sequence,
    rtpTimestamp,
    captureTimeMs: captureTimeMs === undefined ? null : round(captureTimeMs, 3),
    frameWidth,
    frameHeight,
    loudnessDbfs: Number.isFinite(levelDbfs) ? round(levelDbfs, 1) : null,
    gated,
    annotations,
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
