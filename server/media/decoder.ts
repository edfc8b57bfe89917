/** Port: decoding, with the names of W3C WebCodecs. Adapter: the one file that imports the chosen library. */
import type { EncodedChunk } from './encoded-chunk.ts';

/** A decoded picture. Exactly one owner at a time; the owner closes it. Nothing is converted before it is asked for. */
export interface DecodedFrame {
  readonly rtpTimestamp: number;
  /** Visible size, pixels. */
  readonly width: number;
  readonly height: number;
  /**
   * Converts and scales (stretched to fit, area-averaged or bilinear) straight into the model's input.
   * @param rgb row-major NHWC uint8 of `width * height * 3`, RGB 0..255 full range; only written during the call.
   */
  scaleTo(rgb: Uint8Array, width: number, height: number): Promise<void>;
  /**
   * The same of luma alone, at a third to a half of the cost and at once.
   * @param luma row-major uint8 of `width * height`, 0..255 full range.
   * @throws what makes `scaleTo` reject.
   */
  lumaTo(luma: Uint8Array, width: number, height: number): void;
  close(): void;
}

export interface VideoDecoderListener {
  /** In presentation order. The receiver owns the frame and must close it. */
  frame(frame: DecodedFrame): void;
  /** The stream is broken until a key frame; the decoder has rebuilt itself and wants one asked for. */
  keyFrameNeeded(cause: string): void;
}

export interface VideoDecoder {
  /** Never throws for bad data: that ends in `keyFrameNeeded`. Delta chunks before the first key chunk are dropped and counted. */
  decode(chunk: EncodedChunk): void;
  /** Chunks dropped because no key frame had come. */
  readonly dropped: number;
  close(): void;
}

/** Interleaved would be wrong here: one mono channel, 48 kHz for Opus. */
export interface DecodedAudio {
  /** Of the first sample as it was captured: the codec's own delay is taken off. */
  readonly rtpTimestamp: number;
  readonly sampleRateHz: number;
  /** Mono mix, [-1, 1]. Valid only during the call. */
  readonly samples: Float32Array;
}

export interface AudioDecoderListener {
  audio(audio: DecodedAudio): void;
}

export interface AudioDecoder {
  /**
   * A packet that cannot be decoded is dropped and counted; the next one is decoded as ever. Up to 100 ms that are missing before
   * a packet are concealed: the listener gets them first.
   */
  decode(chunk: EncodedChunk): void;
  readonly dropped: number;
  close(): void;
}

export interface DecoderFactory {
  /** rtpmap names this machine decodes, in order of preference. */
  readonly videoCodecs: readonly string[];
  createVideoDecoder(codec: string, listener: VideoDecoderListener): VideoDecoder;
  createAudioDecoder(codec: string, channels: number, listener: AudioDecoderListener): AudioDecoder;
}
