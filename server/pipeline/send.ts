/** Operator: each mask goes out now or is dropped; emits those that went. */
import { filter, type MonoTypeOperatorFunction } from 'rxjs';
import { type ByteChannel, sendMask } from '../output/mask-channel.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { EncodedMask } from './flow.ts';

/**
 * @param channel the mask channel at the moment of sending, undefined until the client has opened one.
 * @param publish hands the mask to whoever follows the session; false when nobody does.
 */
export function send(
  channel: () => ByteChannel | undefined,
  publish: (mask: EncodedMask) => boolean,
  telemetry: Telemetry,
): MonoTypeOperatorFunction<EncodedMask> {
  return filter((mask) => {
    const reason = sendMask(channel(), mask.message);
    const published = publish(mask);
    // Who follows the results needs no channel.
    if (reason === 'channel-behind' || (reason !== undefined && !published)) telemetry.drop(reason);
    if (reason !== undefined && !published) return false;
    telemetry.count('masks');
    telemetry.observe('total', performance.now() - mask.arrivalMs);
    return true;
  });
}
