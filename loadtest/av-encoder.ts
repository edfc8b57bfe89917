/** Encoding by FFmpeg through node-av, the load test's only importer of that library. */
import * as constants from 'node-av/constants';
import { Codec, CodecContext, Frame, Log, Packet, Rational, SoftwareScaleContext } from 'node-av/lib';
import { OPUS_PACKET_SAMPLES } from './media-loop.ts';

Log.setLevel(constants.AV_LOG_QUIET);

const OPUS_RATE_HZ = 48_000;
const OPUS_BITRATE = 48_000n;

/** One native encoder that gives a packet for every frame. */
class PacketEncoder {
  readonly #context: CodecContext;
  readonly #packet = new Packet();

  constructor(
    name: string,
    options: Readonly<Record<string, string | number>>,
    prepare: (context: CodecContext) => void,
  ) {
    const codec = Codec.findEncoderByName(name as Parameters<typeof Codec.findEncoderByName>[0]);
    if (codec === null) throw new Error(`FFmpeg has no encoder ${name}; install node-av again`);
    this.#context = new CodecContext();
    this.#context.allocContext3(codec);
    prepare(this.#context);
    this.#context.threadCount = 1;
    // Not through open2's dictionary: node-av 6.1 frees it a second time at garbage collection.
    for (const [option, value] of Object.entries(options)) {
      const { AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN } = constants;
      check(this.#context.setOption(option, String(value), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN), name);
    }
    check(this.#context.open2Sync(codec), name);
    this.#packet.alloc();
  }

  encode(frame: Frame): { readonly data: Uint8Array; readonly isKey: boolean } {
    check(this.#context.sendFrameSync(frame), 'encoding');
    check(this.#context.receivePacketSync(this.#packet), 'encoding');
    const encoded = { data: Uint8Array.from(this.#packet.data ?? []), isKey: this.#packet.isKeyframe };
    this.#packet.unref();
    return encoded;
  }

  close(): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}

function check(status: number, what: string): void {
  if (status < 0) throw new Error(`${what} failed (FFmpeg error ${status})`);
}

export interface Vp8EncoderOptions {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly frameRateHz: number;
  /** Bit/s. */
  readonly videoBitrate: number;
  /** Frames from one key frame to the next, at most. */
  readonly keyInterval: number;
}

/** As a browser encodes a camera: at once, and no frame kept back. */
export class Vp8Encoder {
  readonly #width: number;
  readonly #height: number;
  readonly #frameRateHz: number;
  readonly #encoder: PacketEncoder;
  readonly #scaler = new SoftwareScaleContext();
  readonly #picture = new Frame();
  #count = 0n;

  constructor({ width, height, frameRateHz, videoBitrate, keyInterval }: Vp8EncoderOptions) {
    this.#width = width;
    this.#height = height;
    this.#frameRateHz = frameRateHz;
    const realtime = { deadline: 'realtime', 'cpu-used': 6, 'lag-in-frames': 0, 'error-resilient': 1 };
    this.#encoder = new PacketEncoder('libvpx', realtime, (context) => {
      context.width = width;
      context.height = height;
      context.pixelFormat = constants.AV_PIX_FMT_YUV420P;
      context.bitRate = BigInt(videoBitrate);
      context.timeBase = new Rational(1, frameRateHz);
      context.framerate = new Rational(frameRateHz, 1);
      context.gopSize = keyInterval;
      context.maxBFrames = 0;
    });
    this.#scaler.allocContext();
    this.#picture.alloc();
    this.#picture.width = width;
    this.#picture.height = height;
    this.#picture.format = constants.AV_PIX_FMT_YUV420P;
    this.#picture.getBuffer();
  }

  /** @param rgba uint8 [height, width, 4]. */
  encode(rgba: Uint8ClampedArray): { readonly data: Uint8Array; readonly isKey: boolean } {
    const source = Frame.fromVideoBuffer(Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength), {
      width: this.#width,
      height: this.#height,
      format: constants.AV_PIX_FMT_RGBA,
      timeBase: { num: 1, den: this.#frameRateHz },
      pts: this.#count,
    });
    check(this.#scaler.scaleFrameSync(this.#picture, source), 'conversion');
    source.free();
    this.#picture.pts = this.#count++;
    return this.#encoder.encode(this.#picture);
  }

  close(): void {
    this.#picture.free();
    this.#scaler.freeContext();
    this.#encoder.close();
  }
}

/** Mono Opus, a packet for every 20 ms. */
export class OpusEncoder {
  readonly #encoder = new PacketEncoder('libopus', { application: 'voip', frame_duration: 20 }, (context) => {
    context.timeBase = new Rational(1, OPUS_RATE_HZ);
    context.sampleRate = OPUS_RATE_HZ;
    context.sampleFormat = constants.AV_SAMPLE_FMT_S16;
    context.channelLayout = constants.AV_CHANNEL_LAYOUT_MONO;
    context.bitRate = OPUS_BITRATE;
  });
  #count = 0n;

  /** @param samples [960] at 48 kHz, [-1, 1]. */
  encode(samples: Float32Array): Uint8Array {
    const pcm = Buffer.alloc(2 * OPUS_PACKET_SAMPLES);
    samples.forEach((sample, i) => {
      pcm.writeInt16LE(Math.round(32_767 * Math.max(-1, Math.min(1, sample))), 2 * i);
    });
    const frame = Frame.fromAudioBuffer(pcm, {
      sampleRate: OPUS_RATE_HZ,
      channelLayout: constants.AV_CHANNEL_LAYOUT_MONO,
      format: constants.AV_SAMPLE_FMT_S16,
      nbSamples: OPUS_PACKET_SAMPLES,
      timeBase: { num: 1, den: OPUS_RATE_HZ },
      pts: this.#count++ * BigInt(OPUS_PACKET_SAMPLES),
    });
    const { data } = this.#encoder.encode(frame);
    frame.free();
    return data;
  }

  close(): void {
    this.#encoder.close();
  }
}
