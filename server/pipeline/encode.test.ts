import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { freeInputs, pairOf, poolOf } from '../../test/fixtures/flow.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { MaskEncoder } from '../output/mask-encoder.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { encode } from './encode.ts';
import type { EncodedMask, Segmented } from './flow.ts';

const { output, threshold } = tinyManifest();

function encodeAll(...segmented: Segmented[]): EncodedMask[] {
  const masks: EncodedMask[] = [];
  const encoder = new MaskEncoder(1, output.width, output.height, threshold);
  of(...segmented)
    .pipe(encode(encoder, new TelemetryCollector()))
    .subscribe((mask) => masks.push(mask));
  return masks;
}

describe('encode', () => {
  it('writes the mask of the logits with the times of its frame', () => {
    const pool = poolOf(1);
    const pair = { ...pairOf(pool, 5000), arrivalMs: 5010, decodedMs: 5012, pairedMs: 5030, skewMs: -1.5 };
    pair.lease.input.logits.fill(-1).fill(1, 0, 8);
    const [mask] = encodeAll({ pair, gated: false, queueMs: 3, inferenceMs: 40 });
    expect(mask!.message).toMatchObject({
      sequence: 0,
      rtpTimestamp: 450_000,
      captureTimeMs: 5000,
      frameWidth: 640,
      frameHeight: 480,
      skewMs: -1.5,
      gated: false,
      stagesMs: { decode: 2, pair: 18, queue: 3, inference: 40, encode: expect.any(Number) },
      classes: [{ classIndex: 0, runs: expect.any(Array) }],
    });
    expect(mask).toMatchObject({ levelDbfs: pair.levelDbfs, arrivalMs: 5010 });
    expect(freeInputs(pool)).toBe(1);
  });

  it('lights nothing when gated, whatever the logits', () => {
    const pool = poolOf(1);
    const pair = pairOf(pool, 0);
    pair.lease.input.logits.fill(9);
    const [mask] = encodeAll({ pair, gated: true, queueMs: 0, inferenceMs: 0 });
    expect(mask!.message).toMatchObject({ gated: true, classes: [], width: 8, height: 8 });
    expect(freeInputs(pool)).toBe(1);
  });

  it('counts masks, and gives no capture time that is not the sender’s', () => {
    const pool = poolOf(3);
    const segmented = [1, 2, 3].map((timeMs) => ({
      pair: { ...pairOf(pool, timeMs), onSenderClock: timeMs === 3 },
      gated: true,
      queueMs: 0,
      inferenceMs: 0,
    }));
    const masks = encodeAll(...segmented).map(({ message }) => message);
    expect(masks.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    expect(masks.map(({ captureTimeMs }) => captureTimeMs)).toEqual([undefined, undefined, 3]);
  });
});
