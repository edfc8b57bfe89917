/** Operator: each mask goes out now or is dropped; emits those that went. */
import { filter, type MonoTypeOperatorFunction } from 'rxjs';
import { type ByteChannel, sendMask } from '../output/mask-channel.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { EncodedMask } from './flow.ts';

/** @param channel the mask channel at the moment of sending, undefined until the client has opened one. */
export function send(
  channel: () => ByteChannel | undefined,
  telemetry: Telemetry,
): MonoTypeOperatorFunction<EncodedMask> {
  return filter(({ bytes, arrivalMs }) => {
    const reason = sendMask(channel(), bytes);
    if (reason !== undefined) {
      telemetry.drop(reason);
      return false;
    }
    telemetry.count('masks');
    telemetry.observe('total', performance.now() - arrivalMs);
    return true;
  });
}
