/** Operator: logits to mask messages. */
import { map, type OperatorFunction } from 'rxjs';
import type { MaskMessage } from '../../shared/mask-codec.ts';
import type { MaskEncoder } from '../output/mask-encoder.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { EncodedMask, Segmented } from './flow.ts';

/** Consumes the lease of each pair. Sequence numbers start at 0 and wrap at 2^32. */
export function encode(encoder: MaskEncoder, telemetry: Telemetry): OperatorFunction<Segmented, EncodedMask> {
  let sequence = 0;
  return map(({ pair, gated, queueMs, inferenceMs }) => {
    const startMs = performance.now();
    const classes = gated ? encoder.empty() : encoder.encode(pair.lease.input.logits);
    pair.lease.release();
    const encodeMs = performance.now() - startMs;
    const message: MaskMessage = {
      ...classes,
      sequence,
      rtpTimestamp: pair.rtpTimestamp,
      captureTimeMs: pair.onSenderClock ? pair.captureTimeMs : undefined,
      frameWidth: pair.frameWidth,
      frameHeight: pair.frameHeight,
      skewMs: pair.skewMs,
      gated,
      stagesMs: {
        decode: pair.decodedMs - pair.arrivalMs,
        pair: pair.pairedMs - pair.decodedMs,
        queue: queueMs,
        inference: inferenceMs,
        encode: encodeMs,
      },
    };
    sequence = (sequence + 1) >>> 0;
    telemetry.observe('encode', encodeMs);
    const { captureTimeMs, levelDbfs, endLevelDbfs, arrivalMs } = pair;
    return { message, captureTimeMs, levelDbfs, endLevelDbfs, arrivalMs };
  });
}
