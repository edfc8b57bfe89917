/** Messages from encoded-frames-worker.ts to the page. */

/** First: the worker can take frames. */
export const READY = 'ready';

export interface EncodedFrame {
  /** 90 kHz, 32 bits, as it is sent. */
  readonly rtpTimestamp: number;
  /** When it left the encoder, ms since the Unix epoch. */
  readonly encodedUnixMs: number;
}
