/** One assembled media frame as it came off the wire, and what RTCP says about its clock. */

/** RTP counterpart of WebCodecs' EncodedVideoChunk and EncodedAudioChunk. */
export interface EncodedChunk {
  readonly type: 'key' | 'delta';
  /** RTP timestamp, 32 bits, in the track's clock rate. */
  readonly rtpTimestamp: number;
  /** Codec bitstream of one whole frame (VP8: RFC 6386 frame; H.264: Annex B access unit; Opus: one packet). Owned by the receiver of the chunk. */
  readonly data: Uint8Array;
  /** `performance.now()` when the frame's last packet arrived, ms. */
  readonly arrivalMs: number;
  /** Absolute capture time of the frame on the sender's clock, ms since the Unix epoch, when the extension was present. */
  readonly absCaptureTimeMs?: number;
}

/** RTCP sender report: the pair of clocks of one SSRC (RFC 3550 §6.4.1). */
export interface SenderReport {
  /** Sender's wall clock, ms since the Unix epoch. */
  readonly ntpMs: number;
  /** The same instant as RTP timestamp, 32 bits. */
  readonly rtpTimestamp: number;
  /** `performance.now()` at arrival, ms. */
  readonly arrivalMs: number;
}
