/** Sends a media loop in real time: which packet is due when, and under which RTP timestamp. */
import { serialDistance32, VIDEO_CLOCK_RATE_HZ } from '../shared/clock.ts';
import { type MediaLoop, OPUS_PACKET_MS, OPUS_PACKET_SAMPLES } from './media-loop.ts';

/** A thread that was held up for longer leaves out what nobody would send any more, ms. */
const GIVE_UP_MS = 1000;

export interface ReplayListener {
  /** @param payloads of one frame. */
  video(payloads: readonly Uint8Array[], rtpTimestamp: number): void;
  audio(payload: Uint8Array, rtpTimestamp: number): void;
}

export interface SentFrame {
  /** Within the loop. */
  readonly index: number;
  readonly captureMs: number;
}

/**
 * The clock of one publisher. Frame n is captured, and sent, at `startMs + n / frame rate`; an audio packet is sent when its
 * last sample has been captured.
 */
export class Replay {
  readonly #loop: MediaLoop;
  readonly #startMs: number;
  /** Frame of the loop that is sent first, a key frame, and the audio packet that goes with it. */
  readonly #firstFrame: number;
  readonly #firstPacket: number;
  readonly #firstVideoTimestamp: number;
  readonly #firstAudioTimestamp: number;
  readonly #ticksPerFrame: number;
  readonly #listener: ReplayListener;
  #frames = 0;
  #packets = 0;
  framesSkipped = 0;
  latestMs = 0;

  /**
   * @param phase where in the loop to begin, 0..1.
   * @param startMs any clock; `advance` takes the same.
   */
  constructor(loop: MediaLoop, phase: number, startMs: number, listener: ReplayListener) {
    const { frameRateHz, loopMs } = loop.profile;
    this.#loop = loop;
    this.#startMs = startMs;
    this.#listener = listener;
    // Where a key frame and an audio packet begin at the same time.
    const starts = loop.keyFrames.filter((frame) => ((frame * 1000) / frameRateHz) % OPUS_PACKET_MS === 0);
    this.#firstFrame = starts.findLast((frame) => frame * 1000 <= phase * loopMs * frameRateHz) ?? 0;
    this.#firstPacket = (this.#firstFrame * 1000) / frameRateHz / OPUS_PACKET_MS;
    this.#ticksPerFrame = VIDEO_CLOCK_RATE_HZ / frameRateHz;
    this.#firstVideoTimestamp = Math.floor(Math.random() * 2 ** 32);
    this.#firstAudioTimestamp = Math.floor(Math.random() * 2 ** 32);
  }

  /** Sends what is due at `nowMs`. */
  advance(nowMs: number): void {
    const { video, audio } = this.#loop;
    if (nowMs - this.#frameMs(this.#frames) > GIVE_UP_MS) this.#skipTo(nowMs);
    for (; this.#packetMs(this.#packets) <= nowMs; this.#packets++) {
      const payload = audio[(this.#firstPacket + this.#packets) % audio.length]!;
      this.#listener.audio(payload, (this.#firstAudioTimestamp + this.#packets * OPUS_PACKET_SAMPLES) % 2 ** 32);
    }
    for (; this.#frameMs(this.#frames) <= nowMs; this.#frames++) {
      this.latestMs = Math.max(this.latestMs, nowMs - this.#frameMs(this.#frames));
      const payloads = video[(this.#firstFrame + this.#frames) % video.length]!;
      const rtpTimestamp = (this.#firstVideoTimestamp + this.#frames * this.#ticksPerFrame) % 2 ** 32;
      this.#listener.video(payloads, rtpTimestamp);
    }
  }

  /** @returns the frame that was sent under this RTP timestamp; undefined when none was. */
  frameOf(rtpTimestamp: number): SentFrame | undefined {
    const newest = this.#firstVideoTimestamp + (this.#frames - 1) * this.#ticksPerFrame;
    const age = serialDistance32(newest % 2 ** 32, rtpTimestamp) / this.#ticksPerFrame;
    const frame = this.#frames - 1 - age;
    if (!Number.isInteger(age) || age < 0 || frame < 0) return undefined;
    return { index: (this.#firstFrame + frame) % this.#loop.video.length, captureMs: this.#frameMs(frame) };
  }

  /** Capture time of the instant that an RTP timestamp names, on the clock of `startMs`. */
  videoTimeMs(rtpTimestamp: number): number {
    return this.#startMs + serialDistance32(rtpTimestamp, this.#firstVideoTimestamp) / (VIDEO_CLOCK_RATE_HZ / 1000);
  }

  audioTimeMs(rtpTimestamp: number): number {
    const distance = serialDistance32(rtpTimestamp, this.#firstAudioTimestamp);
    return this.#startMs + (distance * OPUS_PACKET_MS) / OPUS_PACKET_SAMPLES;
  }

  #frameMs(frame: number): number {
    return this.#startMs + (frame * 1000) / this.#loop.profile.frameRateHz;
  }

  #packetMs(packet: number): number {
    return this.#startMs + (packet + 1) * OPUS_PACKET_MS;
  }

  /** On to the next key frame that is not due yet, and the audio of that time. */
  #skipTo(nowMs: number): void {
    const { video, keyFrames } = this.#loop;
    const before = this.#frames;
    while (
      this.#frameMs(this.#frames) < nowMs ||
      !keyFrames.includes((this.#firstFrame + this.#frames) % video.length)
    ) {
      this.#frames++;
    }
    while (this.#packetMs(this.#packets) < nowMs) this.#packets++;
    this.framesSkipped += this.#frames - before;
  }
}
