import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MAX_MASK_MESSAGE_BYTES } from '../../shared/mask-codec.ts';
import type { ByteChannel } from '../output/mask-channel.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import type { EncodedMask } from './flow.ts';
import { send } from './send.ts';

const MASK: EncodedMask = { bytes: Uint8Array.of(1, 2), frameWidth: 640, frameHeight: 480, arrivalMs: 0 };

function sendThrough(channel: ByteChannel | undefined) {
  const telemetry = new TelemetryCollector();
  const went: EncodedMask[] = [];
  of(MASK)
    .pipe(send(() => channel, telemetry))
    .subscribe((mask) => went.push(mask));
  return { went, ...telemetry.take() };
}

const channel = (changes: Partial<ByteChannel>): ByteChannel => ({
  open: true,
  bufferedAmount: 0,
  send: () => true,
  ...changes,
});

describe('send', () => {
  it('sends, counts and measures a mask', () => {
    const sent: Uint8Array[] = [];
    const { went, counts, drops, observations } = sendThrough(
      channel({ bufferedAmount: MAX_MASK_MESSAGE_BYTES, send: (bytes) => sent.push(bytes) > 0 }),
    );
    expect(sent).toEqual([MASK.bytes]);
    expect(went).toEqual([MASK]);
    expect(counts).toEqual({ masks: 1 });
    expect(drops).toEqual({});
    expect(observations.total).toHaveLength(1);
  });

  it.each([
    ['channel-closed', 'no channel has been opened', undefined],
    ['channel-closed', 'the channel is not open', channel({ open: false })],
    ['channel-closed', 'the channel closes while sending', channel({ send: () => false })],
    ['channel-behind', 'more than a mask is waiting', channel({ bufferedAmount: MAX_MASK_MESSAGE_BYTES + 1 })],
  ])('drops as %s when %s', (reason, _when, through) => {
    const { went, counts, drops } = sendThrough(through);
    expect(went).toEqual([]);
    expect(counts).toEqual({});
    expect(drops).toEqual({ [reason]: 1 });
  });
});
