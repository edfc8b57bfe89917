import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameIdentifier, type FrameReference } from './frame-identifier.ts';
import { FrameRing, type LocalFrame } from './frame-ring.ts';

const TIME_ORIGIN_MS = 1_700_000_000_000;
const TWO_32 = 2 ** 32;

interface Camera {
  /** Intervals between frames, ms. */
  readonly intervalsMs: readonly number[];
  /** RTP time minus local timestamp, ms. */
  readonly offsetMs: number;
  /** Error of the server's capture time at the n-th frame, ms. */
  readonly captureErrorMs: (frame: number) => number;
  /** How far the sender's clock still moves at the n-th frame, ms. */
  readonly settlingMs?: (frame: number) => number;
  /** True for a frame that is sent and never shown to the page. */
  readonly missing?: (frame: number) => boolean;
  /** Begin of the n-th frame's encoding counted from its arrival, ms; without it the page cannot see encoded frames. */
  readonly encodingMs?: (frame: number) => number;
}

/** Plays frames, asks for every third of them four frames later, and returns what was asked beside what was named. */
function play(camera: Camera): { asked: LocalFrame; named: ReturnType<FrameIdentifier['identify']> }[] {
  const ring = new FrameRing();
  const identifier = new FrameIdentifier(ring, TIME_ORIGIN_MS);
  const frames: LocalFrame[] = [];
  const results: ReturnType<typeof play> = [];
  let timestampMs = 400_000;
  camera.intervalsMs.forEach((intervalMs, i) => {
    timestampMs += intervalMs;
    const frame = localFrame(timestampMs);
    if (!camera.missing?.(i)) ring.add(frame);
    frames.push(frame);
    if (camera.encodingMs !== undefined) {
      identifier.frameEncoded(referenceTo(frame, i, camera).rtpTimestamp, frame.arrivalMs + camera.encodingMs(i));
    }
    const asked = frames[i - 4];
    if (asked === undefined || i % 3 !== 0) return;
    results.push({ asked, named: identifier.identify(referenceTo(asked, i - 4, camera)) });
  });
  return results;
}

function localFrame(timestampMs: number): LocalFrame {
  const captureTimeMs = timestampMs - 399_000;
  return { timestampMs, captureTimeMs, arrivalMs: captureTimeMs + 2, image: undefined, width: 640, height: 480 };
}

/** libwebrtc stamps frames in whole ms (RTPSenderVideo, `ntp_time_ms * 90`). */
function referenceTo(frame: LocalFrame, index: number, camera: Camera): FrameReference {
  const rtpMs = Math.round(frame.timestampMs + camera.offsetMs + (camera.settlingMs?.(index) ?? 0));
  return {
    rtpTimestamp: (((rtpMs * 90) % TWO_32) + TWO_32) % TWO_32,
    captureTimeMs: TIME_ORIGIN_MS + frame.captureTimeMs + camera.captureErrorMs(index),
  };
}

const regular = new Array<number>(300).fill(1000 / 30);
/** Intervals as a canvas or a webcam gives them, from a fixed sequence. */
const jittered = regular.map((interval, i) => interval + 3 * Math.sin(i * 12.9898) * Math.cos(i * 4.1));

test('capture time that is right within a few ms names every frame, jitter or none', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(regular, jittered),
      fc.double({ min: -5e7, max: 5e7, noNaN: true }),
      fc.double({ min: -8, max: 8, noNaN: true }),
      (intervalsMs, offsetMs, errorMs) => {
        for (const { asked, named } of play({ intervalsMs, offsetMs, captureErrorMs: () => errorMs }))
          expect(named).toBe(asked);
      },
    ),
    { numRuns: 50 },
  );
});

test.each([
  ['even', regular],
  ['uneven', jittered],
])('the encoder tells which frame it is where capture time is wrong for good, %s frames', (_, intervalsMs) => {
  const encodingMs = (frame: number) => [-9, -2, 0, 11, 1][frame % 5]!;
  const missing = (frame: number) => frame % 4 === 1;
  for (const errorMs of [-40, -17, 12, 25, 33]) {
    const camera = { intervalsMs, offsetMs: 98.7, captureErrorMs: () => errorMs, encodingMs };
    for (const { asked, named } of play(camera).slice(10)) expect(named, `${errorMs} ms`).toBe(asked);
    const seen = play({ ...camera, missing }).slice(10);
    expect(seen.filter(({ named }) => named === 'frame-missing').length).toBeGreaterThan(20);
    for (const { asked, named } of seen) if (named !== 'frame-missing') expect(named, `${errorMs} ms`).toBe(asked);
  }
});

test('the encoder tells it while the clock settles by 20 ms, and after it has jumped', () => {
  const settlingMs = (frame: number) => (frame < 150 ? 20 * Math.exp(-frame / 20) : 517);
  const results = play({
    intervalsMs: jittered,
    offsetMs: 12,
    captureErrorMs: (frame) => -settlingMs(frame),
    settlingMs,
    encodingMs: (frame) => 4 * Math.sin(frame),
  });
  const right = results.filter(({ asked, named }) => named === asked);
  expect(right.length).toBeGreaterThan(results.length - 5);
  for (const { asked, named } of results) if (typeof named === 'object') expect(named).toBe(asked);
});

test('RTP timestamps wrap without a frame being lost', () => {
  // The 150th of 300 frames, five seconds in, crosses 2^32.
  const offsetMs = TWO_32 / 90 - 400_000 - 5000;
  const results = play({ intervalsMs: jittered, offsetMs, captureErrorMs: () => 0 });
  expect(results.length).toBeGreaterThan(90);
  for (const { asked, named } of results) expect(named).toBe(asked);
});

test('the offset follows a sender whose clock settles by 8 ms over the first two seconds', () => {
  const results = play({
    intervalsMs: jittered,
    offsetMs: 1234.4,
    captureErrorMs: () => 1.5,
    settlingMs: (frame) => -8 * Math.exp(-frame / 20),
  });
  for (const { asked, named } of results) expect(named).toBe(asked);
});

test('where the page misses every fourth frame, no mask is put on a neighbour', () => {
  const missing = (i: number) => i % 4 === 1;
  const results = play({ intervalsMs: jittered, offsetMs: 55.5, captureErrorMs: () => -1, missing });
  expect(results.filter(({ named }) => named === 'frame-missing').length).toBeGreaterThan(20);
  for (const { asked, named } of results) if (named !== 'frame-missing') expect(named).toBe(asked);
});

test('a first reading of capture time that is far off is forgotten', () => {
  const results = play({ intervalsMs: jittered, offsetMs: 777, captureErrorMs: (frame) => (frame < 6 ? 70 : 1) });
  for (const { asked, named } of results.slice(8)) expect(named).toBe(asked);
});

test('a server clock that strays later on misleads nobody', () => {
  const strays = (frame: number) => (frame > 150 && frame < 220 ? 40 : 0);
  const results = play({ intervalsMs: jittered, offsetMs: 31.4, captureErrorMs: strays });
  for (const { asked, named } of results) expect(named).toBe(asked);
});

test('a sender whose clock jumps is found again by capture time', () => {
  const settlingMs = (frame: number) => (frame < 120 ? 0 : 517);
  const results = play({ intervalsMs: jittered, offsetMs: -4, captureErrorMs: () => 1, settlingMs });
  for (const { asked, named } of results.slice(60)) expect(named).toBe(asked);
});

test('nothing is named before the clock is known', () => {
  const ring = new FrameRing();
  ring.add(localFrame(0));
  const identifier = new FrameIdentifier(ring, TIME_ORIGIN_MS);
  expect(identifier.identify({ rtpTimestamp: 0, captureTimeMs: undefined })).toBe('clock-unknown');
});

test('a frame the page never saw, and one it no longer holds, are told apart', () => {
  const camera: Camera = { intervalsMs: [], offsetMs: 0, captureErrorMs: () => 0 };
  const ring = new FrameRing();
  const identifier = new FrameIdentifier(ring, TIME_ORIGIN_MS);
  const frames = [0, 33, 66, 132, 165].map(localFrame);
  for (const frame of frames) ring.add(frame);
  expect(identifier.identify(referenceTo(frames[1]!, 1, camera))).toBe(frames[1]);
  const absent = (timestampMs: number) => referenceTo(localFrame(timestampMs), 0, camera);
  expect(identifier.identify(absent(99))).toBe('frame-missing');
  expect(identifier.identify(absent(-33))).toBe('frame-expired');
  expect(identifier.identify(absent(198))).toBe('frame-awaited');
  expect(identifier.identify(referenceTo(frames[4]!, 4, camera))).toBe(frames[4]);
});
