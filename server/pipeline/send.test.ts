import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { encodeMask, MAX_MASK_MESSAGE_BYTES, type MaskMessage } from '../../shared/mask-codec.ts';
import type { ByteChannel } from '../output/mask-channel.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import type { EncodedMask } from './flow.ts';
import { send } from './send.ts';

const MESSAGE: MaskMessage = {
  sequence: 0,
  rtpTimestamp: 0,
  captureTimeMs: undefined,
  width: 1,
  height: 1,
  frameWidth: 640,
  frameHeight: 480,
  skewMs: 0,
  gated: true,
  reduced: false,
  stagesMs: { decode: 0, pair: 0, queue: 0, inference: 0, encode: 0 },
  classes: [],
};
const MASK: EncodedMask = { message: MESSAGE, captureTimeMs: 0, endLevelDbfs: -20, levelDbfs: -20, arrivalMs: 0 };

function sendThrough(channel: ByteChannel | undefined, followed = false) {
  const telemetry = new TelemetryCollector();
  const went: EncodedMask[] = [];
  const published: EncodedMask[] = [];
  const publish = (mask: EncodedMask) => followed && published.push(mask) > 0;
  of(MASK)
    .pipe(send(() => channel, publish, telemetry))
    .subscribe((mask) => went.push(mask));
  return { went, published, ...telemetry.take() };
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
    expect(sent).toEqual([encodeMask(MESSAGE)]);
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

  it('needs no channel where the results are followed', () => {
    const { went, published, counts, drops } = sendThrough(undefined, true);
    expect([went, published]).toEqual([[MASK], [MASK]]);
    expect(counts).toEqual({ masks: 1 });
    expect(drops).toEqual({});
  });

  it('counts what a channel is too slow for, though the results are followed', () => {
    const { went, drops } = sendThrough(channel({ bufferedAmount: MAX_MASK_MESSAGE_BYTES + 1 }), true);
    expect(went).toEqual([MASK]);
    expect(drops).toEqual({ 'channel-behind': 1 });
  });
});
