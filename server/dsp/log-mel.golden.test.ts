/** TypeScript's log-mel against Python's, on the vectors that `models/` exports with every model. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LogMel, type LogMelParameters } from './log-mel.ts';

interface GoldenArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Raw little-endian values, beside the index. */
  readonly file: string;
}

interface GoldenIndex {
  readonly byteOrder: string;
  readonly logMel: readonly {
    readonly name: string;
    readonly parameters: LogMelParameters;
    readonly pcm: GoldenArray;
    readonly logMel: GoldenArray;
  }[];
}

const TOLERANCE = 1e-4;
const FOLDER = new URL('../../models/dist/live/golden/', import.meta.url);
const index = JSON.parse(readFileSync(new URL('index.json', FOLDER), 'utf8')) as GoldenIndex;

function values({ dtype, shape, file }: GoldenArray): Float32Array {
  expect(dtype).toBe('float32');
  const bytes = Uint8Array.from(readFileSync(new URL(file, FOLDER)));
  const array = new Float32Array(bytes.buffer);
  expect(array).toHaveLength(shape.reduce((product, length) => product * length, 1));
  return array;
}

describe('golden log-mel', () => {
  it('has vectors at default and other parameters', () => {
    expect(index.byteOrder).toBe('little');
    expect(new Set(index.logMel.map(({ parameters }) => JSON.stringify(parameters))).size).toBeGreaterThan(1);
  });

  it.each(index.logMel.map((golden) => [golden.name, golden] as const))('%s', (_name, { parameters, pcm, logMel }) => {
    const expected = values(logMel);
    const out = new Float32Array(expected.length);
    new LogMel(parameters).compute(values(pcm), out);
    let worst = 0;
    for (const [i, value] of expected.entries()) worst = Math.max(worst, Math.abs(value - out[i]!));
    expect(worst).toBeLessThanOrEqual(TOLERANCE);
  });
});
