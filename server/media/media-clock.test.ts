import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MediaClock, MediaClocks } from './media-clock.ts';

/** Unix time of the arrival clock's zero here; the sender's wall clock is ten minutes ahead of it. */
const TIME_ORIGIN_MS = 1_800_000_000_000;
const SENDER_AHEAD_MS = 600_000;

/** A sender's track: its RTP timestamps, and what the network does to it. Times are ms since the start. */
class SimulatedTrack {
  readonly clock: MediaClock;
  readonly #rateHz: number;
  readonly #firstTimestamp: number;
  readonly #delayMs: (captureMs: number) => number;

  constructor(clock: MediaClock, firstTimestamp: number, delayMs: (captureMs: number) => number, drift = 0) {
    this.clock = clock;
    this.#rateHz = clock.clockRateHz * (1 + drift);
    this.#firstTimestamp = firstTimestamp;
    this.#delayMs = delayMs;
  }

  timestamp(captureMs: number): number {
    return (this.#firstTimestamp + Math.round((captureMs * this.#rateHz) / 1000)) % 2 ** 32;
  }

  chunk(captureMs: number, absCaptureTime = false): void {
    this.clock.observe({
      rtpTimestamp: this.timestamp(captureMs),
      arrivalMs: captureMs + this.#delayMs(captureMs),
      ...(absCaptureTime ? { absCaptureTimeMs: unixMs(captureMs) } : {}),
    });
  }

  senderReport(captureMs: number, errorMs = 0): void {
    this.clock.senderReport({
      rtpTimestamp: this.timestamp(captureMs),
      ntpMs: unixMs(captureMs) + errorMs,
      arrivalMs: captureMs + this.#delayMs(captureMs),
    });
  }

  /** Shown minus true capture time. */
  errorMs(captureMs: number): number {
    return this.clock.captureTimeMs(this.clock.unwrap(this.timestamp(captureMs))) - unixMs(captureMs);
  }
}

const unixMs = (captureMs: number) => TIME_ORIGIN_MS + SENDER_AHEAD_MS + captureMs;

function jitter(baseMs: number, spreadMs: number): () => number {
  let seed = 11;
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return baseMs + (spreadMs * seed) / 2 ** 32;
  };
}

describe('MediaClock', () => {
  it('unwraps timestamps and inverts capture times across the wrap', () => {
    const clock = new MediaClocks(TIME_ORIGIN_MS).begin('video', 90_000);
    const first = 2 ** 32 - 3000;
    clock.observe({ rtpTimestamp: first, arrivalMs: 100 });
    clock.observe({ rtpTimestamp: 0, arrivalMs: 133 });
    expect(clock.unwrap(0)).toBe(2 ** 32);
    expect(clock.captureTimeMs(clock.unwrap(6000)) - clock.captureTimeMs(clock.unwrap(first))).toBeCloseTo(100, 3);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (rtpTimestamp) => {
        const time = clock.unwrap(rtpTimestamp);
        expect(clock.timeAt(clock.captureTimeMs(time))).toBeCloseTo(time, 1);
      }),
    );
  });

  it('uses arrival first, then abs-capture-time, then sender reports', () => {
    const clocks = new MediaClocks(TIME_ORIGIN_MS);
    expect(clocks.source).toBeUndefined();
    const track = new SimulatedTrack(clocks.begin('video', 90_000), 5, () => 40);
    track.chunk(0);
    expect(clocks.source).toBe('arrival');
    expect(clocks.onSenderClock).toBe(false);
    expect(track.errorMs(0)).toBeCloseTo(40 - SENDER_AHEAD_MS, 1);
    track.chunk(33, true);
    expect(clocks.source).toBe('abs-capture-time');
    expect(track.errorMs(33)).toBeCloseTo(0, 1);
    track.senderReport(50);
    expect(clocks.source).toBe('sender-report');
    expect(clocks.onSenderClock).toBe(true);
    expect(track.errorMs(66)).toBeCloseTo(0, 1);
  });

  it('ignores reports before any media, without a wall clock, or of other timestamps', () => {
    const clocks = new MediaClocks(TIME_ORIGIN_MS);
    const track = new SimulatedTrack(clocks.begin('video', 90_000), 5, () => 40);
    track.senderReport(0);
    track.chunk(10);
    track.clock.senderReport({ rtpTimestamp: track.timestamp(20), ntpMs: -2_208_988_800_000, arrivalMs: 60 });
    track.clock.senderReport({ rtpTimestamp: track.timestamp(900_000), ntpMs: unixMs(20), arrivalMs: 60 });
    expect(clocks.source).toBe('arrival');
  });

  it('holds the true time against jitter of reports, a bad one among them, and drift of the sound card', () => {
    const noise = jitter(-4, 8);
    const clocks = new MediaClocks(TIME_ORIGIN_MS);
    const audio = new SimulatedTrack(clocks.begin('audio', 48_000), 77, jitter(30, 50), 80e-6);
    for (let ms = 0; ms < 120_000; ms += 20) {
      audio.chunk(ms);
      if (ms % 5000 === 2300 - (2300 % 20)) audio.senderReport(ms, ms === 42_300 - (2300 % 20) ? 233 : noise());
      if (ms > 40_000) expect(Math.abs(audio.errorMs(ms))).toBeLessThan(6);
    }
  });

  it('goes on when a sender starts its timestamps anew, forwards in time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (before, after) => {
          const apart = Math.abs(((after - before) | 0) / 90);
          fc.pre(apart > 30_000);
          const clock = new MediaClocks(TIME_ORIGIN_MS).begin('video', 90_000);
          const first = new SimulatedTrack(clock, before, () => 40);
          for (let ms = 0; ms < 2000; ms += 40) first.chunk(ms);
          first.senderReport(2000);
          const last = clock.unwrap(first.timestamp(1960));
          const lastCaptureMs = clock.captureTimeMs(last);
          const second = new SimulatedTrack(clock, after, () => 40);
          second.chunk(2000);
          const next = clock.unwrap(second.timestamp(2000));
          expect(next - last).toBe(3600);
          expect(clock.captureTimeMs(next) - lastCaptureMs).toBeCloseTo(40, 0);
          expect(clock.source).toBe('arrival');
          second.chunk(2040);
          expect(clock.unwrap(second.timestamp(2040)) - next).toBe(3600);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('takes a burst after a stall of the network for what it is', () => {
    const clock = new MediaClocks(TIME_ORIGIN_MS).begin('video', 90_000);
    const track = new SimulatedTrack(clock, 9, (ms) => (ms > 1000 && ms < 4000 ? 4040 - ms : 40));
    for (let ms = 0; ms < 1000; ms += 40) track.chunk(ms);
    track.senderReport(1000);
    for (let ms = 1040; ms < 9000; ms += 40) track.chunk(ms);
    expect(clock.unwrap(track.timestamp(9000)) - clock.unwrap(track.timestamp(0))).toBe(810_000);
    expect(track.errorMs(9000)).toBeCloseTo(0, 0);
  });
});

describe('MediaClocks', () => {
  /** Chromium: reports of video from the start, of audio after 2.3 s. */
  function session(audioDelayMs: () => number, videoDelayMs: () => number, seconds: number) {
    const clocks = new MediaClocks(TIME_ORIGIN_MS);
    const audio = new SimulatedTrack(clocks.begin('audio', 48_000), 2 ** 32 - 48_000, audioDelayMs);
    const video = new SimulatedTrack(clocks.begin('video', 90_000), 2 ** 32 - 180_000, videoDelayMs);
    const skews: {
      readonly ms: number;
      readonly skewMs: number;
      readonly videoErrorMs: number;
      readonly source: string | undefined;
    }[] = [];
    for (let ms = 0; ms < seconds * 1000; ms += 10) {
      if (ms % 20 === 0) audio.chunk(ms);
      if (ms % 40 === 0) video.chunk(ms);
      if (ms % 1000 === 300) video.senderReport(ms);
      if (ms % 5000 === 2300) audio.senderReport(ms);
      skews.push({
        ms,
        skewMs: audio.errorMs(ms) - video.errorMs(ms),
        videoErrorMs: video.errorMs(ms),
        source: clocks.source,
      });
    }
    return skews;
  }

  it('pairs by arrival until both tracks have reports, and shows the sender clock as soon as one has', () => {
    const figures = session(
      () => 35,
      () => 60,
      10,
    );
    for (const { ms, skewMs, videoErrorMs, source } of figures) {
      expect(source).toBe(ms < 2300 ? 'arrival' : 'sender-report');
      if (ms < 300) expect(videoErrorMs).toBeCloseTo(60 - SENDER_AHEAD_MS, 0);
      else if (ms > 600) expect(Math.abs(videoErrorMs)).toBeLessThan(1);
      if (ms < 2300) expect(skewMs).toBeCloseTo(-25, 0);
    }
    expect(figures.find(({ ms }) => ms === 3500)?.skewMs).toBeCloseTo(0, 0);
  });

  it('slews from one source to the next: 50 ms a second at most, whatever the network does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 200 }), fc.integer({ min: 5, max: 200 }), (audioMs, videoMs) => {
        const figures = session(jitter(audioMs, 40), jitter(videoMs, 60), 12);
        for (const [index, figure] of figures.entries()) {
          if (figure.ms < 600) continue;
          const change = Math.abs(figure.skewMs - figures[index - 1]!.skewMs);
          // Each track moves by 50 ms/s at most, on its own chunks, 20 and 40 ms apart (60 with jitter).
          expect(change).toBeLessThan(2 * 50 * 0.1 + 0.1);
        }
        expect(Math.abs(figures.at(-1)!.skewMs)).toBeLessThan(2);
      }),
      { numRuns: 20 },
    );
  });

  it('starts the clock of a track that replaces another', () => {
    const clocks = new MediaClocks(TIME_ORIGIN_MS);
    const audio = new SimulatedTrack(clocks.begin('audio', 48_000), 1, () => 30);
    const before = new SimulatedTrack(clocks.begin('video', 90_000), 1, () => 40);
    for (let ms = 0; ms < 1000; ms += 20) {
      audio.chunk(ms);
      before.chunk(ms);
    }
    audio.senderReport(1000);
    before.senderReport(1000);
    const after = new SimulatedTrack(clocks.begin('video', 90_000), 3_000_000_000, () => 40);
    after.chunk(1000);
    expect(clocks.source).toBe('arrival');
    expect(Math.abs(after.errorMs(1000))).toBeLessThan(11);
  });
});
