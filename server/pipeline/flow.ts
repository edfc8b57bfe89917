/** What flows between the operators, in the order it passes them. Times without a suffix word are `performance.now()`, ms. */
import type { MaskMessage } from '../../shared/mask-codec.ts';
import type { DecodedFrame } from '../media/decoder.ts';
import type { InputLease } from './input-pool.ts';

/** A decoded picture; whoever receives it closes the frame. */
export interface TimedFrame {
  readonly frame: DecodedFrame;
  /** On the timebase that audio and video share, ms. */
  readonly captureTimeMs: number;
  /** Arrival of the frame's last RTP packet. */
  readonly arrivalMs: number;
  readonly decodedMs: number;
}

/** A frame chosen for the model, its picture already in the leased input; whoever receives it releases the lease. */
export interface Sample {
  readonly lease: InputLease;
  readonly rtpTimestamp: number;
  readonly captureTimeMs: number;
  /** Size of the frame as decoded, pixels. */
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly arrivalMs: number;
  readonly decodedMs: number;
}

/** A sample with the log-mel patch that ends at its capture time in the same input. */
export interface Pair extends Sample {
  /** True when capture times are the publisher's wall clock, false while only arrival times are known. */
  readonly onSenderClock: boolean;
  /** End of the audio patch minus capture time, ms. */
  readonly skewMs: number;
  /** RMS level of the patch, dB relative to full scale; -Infinity for digital silence. */
  readonly levelDbfs: number;
  /** The same of the patch's last 100 ms. */
  readonly endLevelDbfs: number;
  readonly pairedMs: number;
}

/** The newest pair and those before it, oldest first; the window owns one lease of each of its pairs. */
export interface Window {
  readonly pairs: readonly Pair[];
}

/** The newest pair of a window with its logits written, or gated; whoever receives it releases the lease. */
export interface Segmented {
  readonly pair: Pair;
  /** True when the silence gate answered; the logits are then meaningless. */
  readonly gated: boolean;
  readonly queueMs: number;
  readonly inferenceMs: number;
}

export interface EncodedMask {
  readonly message: MaskMessage;
  /** Of the frame, as in {@link Sample}, {@link Pair}. */
  readonly captureTimeMs: number;
  readonly levelDbfs: number;
  readonly endLevelDbfs: number;
  readonly arrivalMs: number;
}
