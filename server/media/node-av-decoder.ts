/** Decoding by FFmpeg through node-av, the only importer of that library. Why this one: docs/decoder.md. */
import type * as av from 'node-av/lib';
import { serialDistance32 } from '../../shared/clock.ts';
import { AvsacError } from '../../shared/errors.ts';
import type {
  AudioDecoder,
  AudioDecoderListener,
  DecoderFactory,
  VideoDecoder,
  VideoDecoderListener,
} from './decoder.ts';
import type { EncodedChunk } from './encoded-chunk.ts';
import { NodeAvFrame } from './node-av-frame.ts';
import { FrameScaler } from './node-av-scaler.ts';

type Library = typeof av & { readonly constants: typeof import('node-av/constants') };

/** FFmpeg's decoder for each rtpmap name, in order of preference: software decoders that give a frame as soon as it is in. */
const VIDEO_DECODERS = [
  ['VP8', 'vp8'],
  ['H264', 'h264'],
  ['VP9', 'vp9'],
  ['AV1', 'libdav1d'],
] as const;

/** Opus always decodes at its own full rate (RFC 7587 §4.1). */
const OPUS_SAMPLE_RATE_HZ = 48_000;

/** Five of the usual packets. What is missing for longer was not sent (DTX), or is too much to guess. */
const MAX_CONCEALED_SAMPLES = OPUS_SAMPLE_RATE_HZ / 10;
/** Of an Opus packet's first byte, what says that more than one frame follows (RFC 6716 §3.1). */
const FRAME_COUNT_CODE = 0b11;

/**
 * Decoded Opus lags its input by the encoder's lookahead: 2.5 ms of overlap and 4 ms of delay compensation in every mode but
 * "restricted low delay" (libopus `OPUS_GET_LOOKAHEAD`; RFC 7845 §4.2 calls it pre-skip). Samples at 48 kHz.
 */
export const OPUS_LOOKAHEAD_SAMPLES = 312;

/**
 * Loads the library and says what it decodes. One factory a thread; decoders of one factory share its scaling contexts.
 * @throws AvsacError `decoder-unavailable`
 */
export async function loadDecoderFactory(): Promise<DecoderFactory> {
  const library = await load();
  library.Log.setLevel(library.constants.AV_LOG_QUIET);
  const scaler = new FrameScaler({
    Frame: library.Frame,
    SoftwareScaleContext: library.SoftwareScaleContext,
    formats: { rgb: library.constants.AV_PIX_FMT_RGB24, luma: library.constants.AV_PIX_FMT_GRAY8 },
  });
  const available = VIDEO_DECODERS.filter(([, name]) => findDecoder(library, name) !== null);
  return {
    videoCodecs: available.map(([codec]) => codec),
    createVideoDecoder(codec, listener) {
      const name = available.find(([rtpmap]) => rtpmap === codec.toUpperCase())?.[1];
      if (name === undefined) throw new AvsacError('codec-unsupported', codec);
      return new NodeAvVideoDecoder(library, name, scaler, listener);
    },
    createAudioDecoder(codec, _channels, listener) {
      if (codec.toLowerCase() !== 'opus') throw new AvsacError('codec-unsupported', codec);
      return new NodeAvOpusDecoder(library, listener);
    },
  };
}

async function load(): Promise<Library> {
  try {
    const [library, constants] = await Promise.all([import('node-av/lib'), import('node-av/constants')]);
    return { ...library, constants };
  } catch (cause) {
    throw new AvsacError('decoder-unavailable', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function findDecoder(library: Library, name: string): av.Codec | null {
  return library.Codec.findDecoderByName(name as Parameters<typeof av.Codec.findDecoderByName>[0]);
}

/** A native decoder that is opened, fed and rebuilt; every native object is freed exactly once, because a call on a freed one aborts the process. */
class CodecStream {
  readonly #library: Library;
  readonly #codec: av.Codec;
  readonly #prepare: (context: av.CodecContext) => void;
  readonly #packet: av.Packet;
  #context: av.CodecContext | undefined;

  constructor(library: Library, name: string, prepare: (context: av.CodecContext) => void) {
    const codec = findDecoder(library, name);
    if (codec === null) throw new AvsacError('decoder-unavailable', name);
    this.#library = library;
    this.#codec = codec;
    this.#prepare = prepare;
    this.#packet = new library.Packet();
    this.#packet.alloc();
    this.#context = this.#open();
  }

  /** @returns FFmpeg's status, negative when the chunk cannot be decoded. */
  send(chunk: Pick<EncodedChunk, 'data' | 'rtpTimestamp'>): number {
    // An empty packet would mean end of stream to FFmpeg, after which it takes no more.
    if (this.#context === undefined || chunk.data.length === 0) return this.#library.constants.AVERROR_INVALIDDATA;
    this.#packet.data = Buffer.from(chunk.data.buffer, chunk.data.byteOffset, chunk.data.byteLength);
    this.#packet.pts = BigInt(chunk.rtpTimestamp);
    const status = this.#context.sendPacketSync(this.#packet);
    this.#packet.unref();
    return status;
  }

  /** @returns false when nothing is ready, or closed meanwhile. */
  receive(frame: av.Frame): boolean {
    return this.#context !== undefined && this.#context.receiveFrameSync(frame) >= 0;
  }

  /** Forgets all state of the stream; open until `close`. */
  rebuild(): void {
    if (this.#context === undefined) return;
    this.#context.freeContext();
    this.#context = this.#open();
  }

  close(): void {
    if (this.#context === undefined) return;
    this.#context.freeContext();
    this.#context = undefined;
    this.#packet.free();
  }

  #open(): av.CodecContext {
    const context = new this.#library.CodecContext();
    context.allocContext3(this.#codec);
    // Frame threads would hold back as many frames; streams are the unit of parallelism here.
    context.threadCount = 1;
    this.#prepare(context);
    const status = context.open2Sync(this.#codec);
    if (status >= 0) return context;
    context.freeContext();
    throw new AvsacError('decoder-unavailable', `${this.#codec.name} does not open (FFmpeg error ${status})`);
  }
}

/** Synchronous: frames come out during `decode`, so nothing ever waits inside. */
class NodeAvVideoDecoder implements VideoDecoder {
  readonly #library: Library;
  readonly #scaler: FrameScaler;
  readonly #listener: VideoDecoderListener;
  readonly #stream: CodecStream;
  /** Allocated and empty. */
  #next: av.Frame | undefined;
  #awaitsKeyFrame = true;
  #dropped = 0;
  #closed = false;

  constructor(library: Library, name: string, scaler: FrameScaler, listener: VideoDecoderListener) {
    this.#library = library;
    this.#scaler = scaler;
    this.#listener = listener;
    this.#stream = new CodecStream(library, name, (context) => {
      context.setFlags(library.constants.AV_CODEC_FLAG_LOW_DELAY);
    });
  }

  get dropped(): number {
    return this.#dropped;
  }

  decode(chunk: EncodedChunk): void {
    if (this.#closed) return;
    if (this.#awaitsKeyFrame && chunk.type !== 'key') {
      this.#dropped++;
      return;
    }
    this.#awaitsKeyFrame = false;
    const status = this.#stream.send(chunk);
    if (status < 0) {
      this.#breakOff(`chunk not decodable (FFmpeg error ${status})`);
      return;
    }
    // The last round of each chunk finds nothing: its frame stays for the next chunk.
    for (;;) {
      this.#next ??= this.#allocate();
      const frame = this.#next;
      if (!this.#stream.receive(frame)) return;
      this.#next = undefined;
      if (frame.decodeErrorFlags !== 0) {
        const cause = `picture concealed (FFmpeg decode error flags ${frame.decodeErrorFlags})`;
        frame.free();
        this.#breakOff(cause);
        return;
      }
      this.#listener.frame(new NodeAvFrame(frame, Number(frame.pts), this.#scaler));
    }
  }

  close(): void {
    this.#closed = true;
    this.#stream.close();
    this.#next?.free();
    this.#next = undefined;
  }

  #allocate(): av.Frame {
    const frame = new this.#library.Frame();
    frame.alloc();
    return frame;
  }

  #breakOff(cause: string): void {
    this.#awaitsKeyFrame = true;
    this.#stream.rebuild();
    this.#listener.keyFrameNeeded(cause);
  }
}

class NodeAvOpusDecoder implements AudioDecoder {
  readonly #library: Library;
  readonly #listener: AudioDecoderListener;
  readonly #stream: CodecStream;
  readonly #frame: av.Frame;
  /** 120 ms, the longest Opus packet (RFC 6716 §3.2). */
  readonly #samples = new Float32Array((OPUS_SAMPLE_RATE_HZ * 120) / 1000);
  #dropped = 0;
  #closed = false;
  /** Of the first sample after what was decoded, lookahead not taken off. */
  #nextTimestamp: number | undefined;

  constructor(library: Library, listener: AudioDecoderListener) {
    this.#library = library;
    this.#listener = listener;
    this.#stream = new CodecStream(library, 'libopus', (context) => {
      context.sampleRate = OPUS_SAMPLE_RATE_HZ;
      // libopus mixes a stereo packet down itself, at less cost than decoding both channels.
      context.channelLayout = library.constants.AV_CHANNEL_LAYOUT_MONO;
    });
    this.#frame = new library.Frame();
    this.#frame.alloc();
  }

  get dropped(): number {
    return this.#dropped;
  }

  decode(chunk: EncodedChunk): void {
    if (this.#closed) return;
    this.#conceal(chunk);
    if (this.#decode(chunk) === undefined) this.#dropped++;
  }

  /**
   * Packets that were lost before this one: a frame of no bytes says that one was (RFC 6716 §3.2.1), and libopus makes up a likely
   * one (§4.4). Told nothing, it would also predict the next frames from the wrong one.
   */
  #conceal({ data, rtpTimestamp }: EncodedChunk): void {
    if (this.#nextTimestamp === undefined || data.length === 0) return;
    let missing = serialDistance32(rtpTimestamp, this.#nextTimestamp);
    if (missing <= 0 || missing > MAX_CONCEALED_SAMPLES) return;
    const empty = Uint8Array.of(data[0]! & ~FRAME_COUNT_CODE);
    while (missing > 0) {
      const made = this.#decode({ data: empty, rtpTimestamp: (rtpTimestamp - missing) >>> 0 });
      if (!made) return;
      missing -= made;
    }
  }

  /** @returns the samples that came out; undefined when the packet is refused. */
  #decode(chunk: Pick<EncodedChunk, 'data' | 'rtpTimestamp'>): number | undefined {
    if (this.#stream.send(chunk) < 0) return undefined;
    let decoded = 0;
    while (this.#stream.receive(this.#frame)) {
      const plane = this.#frame.data?.[0];
      const count = Math.min(this.#frame.nbSamples, this.#samples.length);
      if (plane === undefined || this.#frame.format !== this.#library.constants.AV_SAMPLE_FMT_S16) {
        this.#dropped++;
        continue;
      }
      const view = new DataView(plane.buffer, plane.byteOffset, count * 2);
      for (let i = 0; i < count; i++) this.#samples[i] = view.getInt16(i * 2, true) / 32768;
      this.#listener.audio({
        rtpTimestamp: (chunk.rtpTimestamp - OPUS_LOOKAHEAD_SAMPLES) >>> 0,
        sampleRateHz: OPUS_SAMPLE_RATE_HZ,
        samples: this.#samples.subarray(0, count),
      });
      decoded += count;
    }
    this.#nextTimestamp = (chunk.rtpTimestamp + decoded) >>> 0;
    return decoded;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.close();
    this.#frame.free();
  }
}
