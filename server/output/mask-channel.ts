/** The data channel that masks leave by: a mask is sent now or not at all. */
import { encodeMask, MAX_MASK_MESSAGE_BYTES, type MaskMessage } from '../../shared/mask-codec.ts';
import type { DropReason } from '../telemetry/telemetry.ts';

/** The part of a data channel that masks need. */
export interface ByteChannel {
  readonly open: boolean;
  readonly bufferedAmount: number;
  send(data: Uint8Array): boolean;
}

/** With more than this waiting, the network is behind and a further mask would arrive late. */
const BUFFERED_MARK_BYTES = MAX_MASK_MESSAGE_BYTES;

/** @returns why the mask was dropped, undefined when it was sent. */
export function sendMask(channel: ByteChannel | undefined, message: MaskMessage): DropReason | undefined {
  if (!channel?.open) return 'channel-closed';
  if (channel.bufferedAmount > BUFFERED_MARK_BYTES) return 'channel-behind';
  return channel.send(encodeMask(message)) ? undefined : 'channel-closed';
}
