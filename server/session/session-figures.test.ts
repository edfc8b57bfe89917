import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrackStats } from '../peer/peer.ts';
import { SessionFigures } from './session-figures.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const FACTS = {
  videoCodec: 'VP8',
  executionProvider: 'cpu',
  targetMaskRateHz: 10,
  frameWidth: 640,
  frameHeight: 480,
  clockSource: 'sender-report',
};

const track = (changes: Partial<TrackStats>): TrackStats => ({
  packetsReceived: 0,
  packetsLost: 0,
  packetsRecovered: 0,
  payloadBytes: 0,
  nacksSent: 0,
  plisSent: 0,
  framesDropped: 0,
  ...changes,
});

function tick(figures: SessionFigures, afterMs: number, videoBytes: number, audioBytes?: number): void {
  vi.advanceTimersByTime(afterMs);
  const audio = audioBytes === undefined ? undefined : track({ payloadBytes: audioBytes });
  figures.tick(track({ payloadBytes: videoBytes }), audio);
}

describe('SessionFigures', () => {
  it('starts with nothing', () => {
    expect(new SessionFigures().stats(FACTS)).toEqual({
      type: 'stats',
      masksSent: 0,
      drops: {},
      videoBitrate: 0,
      audioBitrate: 0,
      packetsLost: 0,
      nacksSent: 0,
      plisSent: 0,
      skewP50Ms: undefined,
      skewP95Ms: undefined,
      ...FACTS,
    });
  });

  it('gives the bit rate of the time that passed since the last tick', () => {
    const figures = new SessionFigures();
    tick(figures, 1000, 125_000, 4000);
    expect([figures.bitrate('video'), figures.bitrate('audio')]).toEqual([1_000_000, 32_000]);
    tick(figures, 2000, 250_000, 4000);
    expect([figures.bitrate('video'), figures.bitrate('audio')]).toEqual([500_000, 0]);
  });

  it('counts a track that takes the place of another from zero', () => {
    const figures = new SessionFigures();
    tick(figures, 1000, 125_000);
    tick(figures, 1000, 25_000);
    expect(figures.bitrate('video')).toBe(200_000);
    tick(figures, 1000, 50_000);
    expect(figures.bitrate('video')).toBe(200_000);
  });

  it('adds up what both tracks lost and asked for', () => {
    const figures = new SessionFigures();
    figures.tick(
      track({ packetsLost: 1, nacksSent: 2, plisSent: 3, framesDropped: 4 }),
      track({ packetsLost: 10, nacksSent: 20 }),
    );
    figures.drop('superseded', 2);
    figures.drop('superseded');
    figures.count('masks', 2);
    figures.count('frames', 9);
    expect(figures.stats(FACTS)).toMatchObject({
      masksSent: 2,
      drops: { superseded: 3 },
      packetsLost: 11,
      nacksSent: 22,
      plisSent: 3,
    });
  });

  it('gives the skew of the newest hundred pairs', () => {
    const figures = new SessionFigures();
    for (let i = 0; i < 50; i++) figures.observe('skew', 1000);
    for (let i = 1; i <= 100; i++) figures.observe('skew', i);
    figures.observe('total', 5000);
    expect(figures.stats(FACTS)).toMatchObject({ skewP50Ms: 50, skewP95Ms: 95 });
  });
});
