import { expect, test } from 'vitest';
import { encodeMask, type MaskMessage } from '../shared/mask-codec.ts';
import { MaskReceiver, type PairedMask } from './mask-receiver.ts';
import { Playout } from './playout.ts';

const TIME_ORIGIN_MS = 1_700_000_000_000;
const FRAME_MS = 40;

const message = (sequence: number, frame: number): MaskMessage => ({
  sequence,
  rtpTimestamp: (90 * FRAME_MS * frame + 7_000_000) >>> 0,
  captureTimeMs: TIME_ORIGIN_MS + 1000 + FRAME_MS * frame,
  width: 4,
  height: 3,
  frameWidth: 640,
  frameHeight: 480,
  skewMs: 0,
  gated: false,
  reduced: false,
  stagesMs: { decode: 1, pair: 2, queue: 3, inference: 40, encode: 1 },
  classes: [{ classIndex: 0, runs: [2, 10] }],
});

function receiverWithFrames(frames: number) {
  const playout = new Playout<PairedMask>();
  for (let i = 0; i < frames; i++) {
    playout.ring.add({
      timestampMs: FRAME_MS * i,
      captureTimeMs: 1000 + FRAME_MS * i,
      arrivalMs: 1002 + FRAME_MS * i,
      image: undefined,
      width: 640,
      height: 480,
    });
  }
  const masks: PairedMask[] = [];
  const receiver = new MaskReceiver(playout, TIME_ORIGIN_MS, (mask) => masks.push(mask));
  return { playout, masks, receiver, frames: playout.ring.frames };
}

test('a mask is paired with its frame and its latency counts from capture', () => {
  const { masks, receiver, frames } = receiverWithFrames(20);
  receiver.receive(encodeMask(message(0, 10)), 1000 + 400 + 90);
  expect(masks).toHaveLength(1);
  expect(masks[0]?.frame).toBe(frames[10]);
  expect(masks[0]?.frameToMaskMs).toBe(90);
  expect(receiver.figures(1490)).toMatchObject({
    received: 1,
    paired: 1,
    pairedShare: 1,
    lost: 0,
    drops: {},
    frameToMaskP50Ms: 90,
    stagesP50Ms: { inference: 40 },
  });
});

test('sequence numbers left out are counted as lost, across the wrap', () => {
  const { receiver } = receiverWithFrames(20);
  const sequences = [2 ** 32 - 2, 2 ** 32 - 1, 1, 0, 4];
  sequences.forEach((sequence, i) => {
    receiver.receive(encodeMask(message(sequence, 10 + i)), 1900 + i);
  });
  expect(receiver.figures(2000)).toMatchObject({ received: 5, lost: 2 });
});

test('a mask that comes after a newer one was shown is dropped as out of order', () => {
  const { receiver, playout } = receiverWithFrames(20);
  receiver.receive(encodeMask(message(1, 12)), 1900);
  playout.select(3000);
  receiver.receive(encodeMask(message(0, 10)), 3010);
  expect(receiver.figures(3020).drops).toEqual({ 'out-of-order': 1 });
});

test('what cannot be decoded or paired is counted, with its reason', () => {
  const { receiver, masks } = receiverWithFrames(20);
  receiver.receive(Uint8Array.of(1, 2, 3), 1900);
  receiver.receive(encodeMask({ ...message(0, 10), captureTimeMs: undefined }), 1900);
  expect(masks).toEqual([]);
  expect(receiver.figures(1910)).toMatchObject({
    received: 1,
    pairedShare: 0,
    drops: { undecodable: 1, 'clock-unknown': 1 },
  });
});

test('a mask that overtakes its frame waits for it', () => {
  const { receiver, masks, playout } = receiverWithFrames(20);
  const late = {
    timestampMs: FRAME_MS * 20,
    captureTimeMs: 1000 + FRAME_MS * 20,
    arrivalMs: 1002 + FRAME_MS * 20,
    image: undefined,
    width: 640,
    height: 480,
  };
  receiver.receive(encodeMask(message(0, 10)), 1790);
  receiver.receive(encodeMask(message(1, 20)), 1830);
  expect(masks).toHaveLength(1);
  playout.ring.add(late);
  receiver.frameAdded();
  expect(masks[1]).toMatchObject({ frame: late, frameToMaskMs: 30 });
});

test('masks whose frames never come leave, oldest first', () => {
  const { receiver, masks } = receiverWithFrames(20);
  for (let i = 0; i < 10; i++) receiver.receive(encodeMask(message(i, 30 + i)), 1900 + i);
  expect(masks).toEqual([]);
  expect(receiver.figures(1910).drops).toEqual({ 'frame-late': 2 });
});
