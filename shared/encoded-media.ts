/** Port of the publisher: media encoded as WebRTC carries it, in the order of sending. Adapter: server/media/node-av-encoded-file.ts. */

export interface EncodedPacket {
  readonly kind: 'video' | 'audio';
  /** VP8: a frame (RFC 6386). H.264: an access unit (Annex B). Opus: a packet. */
  readonly data: Uint8Array;
  readonly isKey: boolean;
  /** RTP time since the beginning, not wrapped: 90 kHz of video, 48 kHz of Opus, of which it is the first sample as recorded. */
  readonly timestamp: number;
  /** When it is sent, since the beginning of the file, ms: sound a little before the picture that is paired with it. */
  readonly dueMs: number;
}

export interface EncodedMedia {
  readonly videoCodec: 'VP8' | 'H264';
  readonly hasSound: boolean;
  packets(): Generator<EncodedPacket>;
  /** The receiver has lost the picture: as soon as can be, a frame that stands alone. */
  requestKeyFrame(): void;
}
