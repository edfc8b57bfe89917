/** What a publisher notes of one mask that came back, and of its own life. Plain data: it crosses threads. */
import type { MaskStage } from '../shared/mask-codec.ts';

/** Times are ms since the Unix epoch on the publisher's monotonic clock (`performance.timeOrigin + performance.now()`). */
export interface MaskSample {
  /** When the frame was due at the sender, which is its capture time; undefined when no frame sent has this RTP timestamp. */
  readonly captureMs: number | undefined;
  /** When the message was taken from the data channel. */
  readonly arrivalMs: number;
  /** Time of the frame within the media loop, ms. */
  readonly loopMs: number;
  /** With what is truly seen and heard, 0..1; undefined when nothing in view sounds. */
  readonly iou: number | undefined;
  /** Answered by silence, without a run of the model. */
  readonly gated: boolean;
  /** As the server measured them, ms. */
  readonly stagesMs: Readonly<Record<MaskStage, number>>;
}

/** Counted over a publisher's life. */
export interface PublisherCounts {
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly nacksReceived: number;
  readonly plisReceived: number;
  /** Lost on the way to the server, by its receiver reports. */
  readonly packetsLost: number;
  /** Frames left out because the thread was too late to send them: the load was less than asked for. */
  readonly framesSkipped: number;
  /** Longest that media was sent after it was due, ms. */
  readonly latestMs: number;
}
