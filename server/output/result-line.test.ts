import { readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import type { ClassMask, MaskMessage } from '../../shared/mask-codec.ts';
import { type Result, ResultSchema } from '../../shared/results.ts';
import { encodeRuns } from '../../shared/rle.ts';
import { resultLine } from './result-line.ts';

/** pycocotools reads the same file, in models/tests/test_results.py. */
const GOLDEN: readonly { name: string; masks: Record<string, string[]>; result: Result }[] = JSON.parse(
  readFileSync(new URL('../../models/tests/golden/results.json', import.meta.url), 'utf8'),
);
const CLASSES = ['background', 'dog', 'bell'];

/** @param rows of `.` and `#`. */
function classMask([classIndex, rows]: [string, string[]]): ClassMask {
  const pixels = Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0));
  return { classIndex: Number(classIndex), runs: encodeRuns(pixels, rows[0]!.length, rows.length) };
}

function message(masks: Record<string, string[]>, changes: Partial<MaskMessage> = {}): MaskMessage {
  const rows = Object.values(masks)[0]!;
  return {
    sequence: 7,
    rtpTimestamp: 4_294_967_295,
    captureTimeMs: 1_700_000_000_123.456,
    width: rows[0]!.length,
    height: rows.length,
    frameWidth: 640,
    frameHeight: 480,
    skewMs: 0,
    gated: false,
    reduced: false,
    stagesMs: { decode: 1, pair: 1, queue: 1, inference: 1, encode: 1 },
    classes: Object.entries(masks).map(classMask),
    ...changes,
  };
}

describe('resultLine', () => {
  it.each(GOLDEN)('writes $name', ({ masks, result }) => {
    const line = resultLine({ message: message(masks), levelDbfs: -20.04 }, CLASSES);
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual(result);
    expect(Value.Check(ResultSchema, result)).toBe(true);
  });

  it('says null for what is not known: the time before the first report, the level of digital silence', () => {
    const silent = message({ 1: ['..'] }, { captureTimeMs: undefined, gated: true, classes: [] });
    const line = resultLine({ message: silent, levelDbfs: Number.NEGATIVE_INFINITY }, CLASSES);
    expect(JSON.parse(line)).toMatchObject({ captureTimeMs: null, loudnessDbfs: null, gated: true, annotations: [] });
  });
});
