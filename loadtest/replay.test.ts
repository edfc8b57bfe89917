import { expect, it } from 'vitest';
import type { MediaLoop } from './media-loop.ts';
import { Replay } from './replay.ts';

const FRAME_RATE_HZ = 25;
const LOOP_MS = 2000;

/** Packets say which frame they are of. */
const loop: MediaLoop = {
  profile: {
    name: 'test',
    width: 16,
    height: 16,
    frameRateHz: FRAME_RATE_HZ,
    videoBitrate: 1,
    loopMs: LOOP_MS,
    sound: 'turns',
    inPhase: false,
  },
  video: Array.from({ length: 50 }, (_, frame) => [Uint8Array.of(frame, 0), Uint8Array.of(frame, 1)]),
  keyFrames: [0, 25],
  audio: Array.from({ length: 100 }, (_, packet) => Uint8Array.of(packet)),
  truth: { width: 1, height: 1, runs: [] },
  onsets: [],
};

function replay(phase: number, startMs = 0) {
  const video: { readonly frame: number; readonly packets: number; readonly rtpTimestamp: number }[] = [];
  const audio: number[] = [];
  const sent = new Replay(loop, phase, startMs, {
    video: (payloads, rtpTimestamp) => video.push({ frame: payloads[0]![0]!, packets: payloads.length, rtpTimestamp }),
    audio: (payload) => audio.push(payload[0]!),
  });
  return { sent, video, audio };
}

it('sends each frame when it is due, and audio when it has been captured', () => {
  const { sent, video, audio } = replay(0);
  sent.advance(0);
  expect(video.map(({ frame, packets }) => [frame, packets])).toEqual([[0, 2]]);
  expect(audio).toEqual([]);
  sent.advance(80);
  expect(video.map(({ frame }) => frame)).toEqual([0, 1, 2]);
  expect(audio).toEqual([0, 1, 2, 3]);
});

it('begins anywhere in the loop, at a key frame and the sound that goes with it, and goes round without a gap', () => {
  const { sent, video, audio } = replay(0.6);
  for (let timeMs = 0; timeMs < 1100; timeMs += 10) sent.advance(timeMs);
  expect(video[0]!.frame).toBe(25);
  expect(audio[0]).toBe(50);
  expect(video.at(-1)!.frame).toBe(2);
  expect(audio.at(-1)).toBe(3);
  const steps = video.map(({ rtpTimestamp }) => rtpTimestamp);
  for (let i = 1; i < steps.length; i++) expect((steps[i]! - steps[i - 1]! + 2 ** 32) % 2 ** 32).toBe(3600);
});

it('finds the frame of an RTP timestamp, and of none that was not sent', () => {
  const { sent, video } = replay(0, 5000);
  for (let timeMs = 5000; timeMs <= 7100; timeMs += 20) sent.advance(timeMs);
  const last = video.at(-1)!;
  expect(sent.frameOf(last.rtpTimestamp)).toEqual({ index: 2, captureMs: 5000 + 52 * 40 });
  expect(sent.videoTimeMs(last.rtpTimestamp)).toBeCloseTo(5000 + 52 * 40);
  expect(sent.frameOf(video[0]!.rtpTimestamp)).toEqual({ index: 0, captureMs: 5000 });
  expect(sent.frameOf((last.rtpTimestamp + 3600) % 2 ** 32)).toBeUndefined();
  expect(sent.frameOf((last.rtpTimestamp - 1 + 2 ** 32) % 2 ** 32)).toBeUndefined();
  expect(sent.frameOf((video[0]!.rtpTimestamp - 3600 + 2 ** 32) % 2 ** 32)).toBeUndefined();
});

it('goes on at a key frame when it was held up, and counts what it left out', () => {
  const { sent, video, audio } = replay(0);
  sent.advance(0);
  sent.advance(3500);
  for (let timeMs = 3500; timeMs <= 4100; timeMs += 10) sent.advance(timeMs);
  expect(sent.framesSkipped).toBe(99);
  expect(video[1]!.frame).toBe(0);
  expect(audio[0]).toBe(74);
  expect(sent.latestMs).toBeLessThan(1000);
});
