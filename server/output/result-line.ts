/** A mask for machines: a line of the results feed (docs/results-feed.md). */
import { compressCounts, shapeOf } from '../../shared/coco-annotation.ts';
import type { MaskMessage } from '../../shared/mask-codec.ts';
import type { Result } from '../../shared/results.ts';

/**
 * @param levelDbfs RMS level of the frame's sound; -Infinity for digital silence.
 * @param classNames of the model, by class index.
 * @returns JSON in one line, without its line feed.
 */
export function resultLine(
  { message, levelDbfs }: { readonly message: MaskMessage; readonly levelDbfs: number },
  classNames: readonly string[],
): string {
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
  const result: Result = {
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
  return JSON.stringify(result);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
