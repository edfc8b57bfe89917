/** Media files by FFmpeg through node-av: any container and codec it knows. */
import { stat } from 'node:fs/promises';
import { Decoder, Demuxer, FilterAPI } from 'node-av/api';
import * as constants from 'node-av/constants';
import {
  type Frame,
  Frame as LibraryFrame,
  Log,
  type Packet,
  type Rational,
  SoftwareScaleContext,
  type Stream,
} from 'node-av/lib';
import { VIDEO_CLOCK_RATE_HZ } from '../../shared/clock.ts';
import { AvsacError } from '../../shared/errors.ts';
import {
  FILE_SAMPLE_RATE_HZ,
  type FileSound,
  JITTER_SAMPLES,
  type MediaFile,
  type Picture,
  ticksOf,
} from './media-file.ts';
import { NodeAvFrame } from './node-av-frame.ts';
import { FrameScaler } from './node-av-scaler.ts';

/** Pieces that sound is handed on in, samples: 100 ms. */
const PIECE_SAMPLES = FILE_SAMPLE_RATE_HZ / 10;

/**
 * @throws AvsacError `file-unreadable` (not there, empty, no media), `file-without-video`
 */
export async function openMediaFile(path: string): Promise<NodeAvFile> {
  const { size } = await stat(path).catch(() => {
    throw new AvsacError('file-unreadable', `${path} is not there`);
  });
  if (size === 0) throw new AvsacError('file-unreadable', `${path} is empty`);
  Log.setLevel(constants.AV_LOG_QUIET);
  const input = await open(path);
  try {
    // FFmpeg reads any text as a terminal's screen.
    if (input.formatName === 'tty') throw new AvsacError('file-unreadable', `${path} is text`);
    const video = input.findBestStream(constants.AVMEDIA_TYPE_VIDEO);
    // The cover of a record is no film.
    if (video === undefined || video.hasDisposition(constants.AV_DISPOSITION_ATTACHED_PIC)) {
      throw new AvsacError('file-without-video', path);
    }
    return new NodeAvFile(path, input, video, input.findBestStream(constants.AVMEDIA_TYPE_AUDIO)?.index);
  } finally {
    input.closeSync();
  }
}

async function open(path: string): Promise<Demuxer> {
  try {
    // A playlist must not make it reach for the network.
    return await Demuxer.open(path, { options: { protocol_whitelist: 'file,crypto,data' } });
  } catch (cause) {
    throw new AvsacError('file-unreadable', `${path}: FFmpeg finds no media in it`, { cause });
  }
}

/** Opened anew by each reader, so that none waits for another. */
export class NodeAvFile implements MediaFile {
  readonly path: string;
  readonly durationMs: number | undefined;
  /** Frames a second on average. */
  readonly frameRate: Rational;
  readonly #startMs: number;
  readonly #video: number;
  readonly #sound: number | undefined;
  readonly #scaler = new FrameScaler({
    Frame: LibraryFrame,
    SoftwareScaleContext,
    formats: { rgb: constants.AV_PIX_FMT_RGB24, luma: constants.AV_PIX_FMT_GRAY8 },
  });
  #damaged = 0;

  constructor(path: string, input: Demuxer, video: Stream, sound: number | undefined) {
    this.path = path;
    this.durationMs = input.duration > 0 ? input.duration * 1000 : undefined;
    this.#startMs = input.startTime * 1000;
    this.frameRate = video.avgFrameRate;
    this.#video = video.index;
    this.#sound = sound;
  }

  get hasSound(): boolean {
    return this.#sound !== undefined;
  }

  get damaged(): number {
    return this.#damaged;
  }

  *pictures(): Generator<Picture> {
    for (const { frame, presentationTimeMs } of this.uprightFrames()) {
      const rtpTimestamp = ticksOf(presentationTimeMs) >>> 0;
      yield Object.assign(new NodeAvFrame(frame, rtpTimestamp, this.#scaler), { presentationTimeMs });
    }
  }

  /**
   * For adapters that go on with the library's frames: turned as the file says they are to be shown.
   * The receiver frees each.
   */
  *uprightFrames(): Generator<{ readonly frame: Frame; readonly presentationTimeMs: number }> {
    let turn: FilterAPI | undefined;
    let none = true;
    try {
      for (const frame of this.#decode('video')) {
        none = false;
        const filter = turningFilter(frame.getSideData(constants.AV_FRAME_DATA_DISPLAYMATRIX));
        if (filter !== undefined) turn ??= FilterAPI.create(filter);
        for (const upright of turn === undefined ? [frame] : turned(frame, turn)) {
          yield { frame: upright, presentationTimeMs: this.#presentationTimeMs(upright) };
        }
      }
    } finally {
      turn?.close();
    }
    if (none) throw new AvsacError('file-unreadable', `${this.path}: not one picture of it can be decoded`);
  }

  *sound(): Generator<FileSound> {
    if (this.#sound === undefined) return;
    const samples = new Float32Array(PIECE_SAMPLES);
    let next: number | undefined;
    for (const frame of this.#decode('sound')) {
      const start = Math.round((this.timeMs(frame) * FILE_SAMPLE_RATE_HZ) / 1000);
      let position = next !== undefined && Math.abs(start - next) < JITTER_SAMPLES ? next : start;
      const pcm = Buffer.from(frame.toBuffer());
      frame.free();
      for (let at = 0; at < pcm.length / 2; at += PIECE_SAMPLES) {
        const count = Math.min(PIECE_SAMPLES, pcm.length / 2 - at);
        for (let i = 0; i < count; i++) samples[i] = pcm.readInt16LE((at + i) * 2) / 32768;
        yield { position, samples: samples.subarray(0, count) };
        position += count;
      }
      next = position;
    }
  }

  /** A stream of its own reader, which the receiver closes. */
  openStream(kind: 'video' | 'sound'): { readonly input: Demuxer; readonly stream: Stream } {
    const input = Demuxer.openSync(this.path);
    const index = kind === 'video' ? this.#video : this.#sound;
    for (const other of input.streams) if (other.index !== index) other.discard = constants.AVDISCARD_ALL;
    return { input, stream: input.getStream(index!)! };
  }

  /** Since the beginning of the file, ms. */
  timeMs({ pts, timeBase }: Pick<Packet, 'pts' | 'timeBase'>): number {
    return (Number(pts) * timeBase.num * 1000) / timeBase.den - this.#startMs;
  }

  /** The receiver frees each frame. */
  *#decode(kind: 'video' | 'sound'): Generator<Frame> {
    const { input, stream } = this.openStream(kind);
    let decoder: Decoder | undefined;
    try {
      decoder = createDecoder(stream);
      // The last packet is null, which flushes.
      for (const packet of input.packetsSync(stream.index)) {
        try {
          decoder.decodeSync(packet);
        } catch {
          this.#damaged++;
        }
        packet?.free();
        yield* this.#receive(decoder);
      }
    } finally {
      decoder?.close();
      input.closeSync();
    }
  }

  *#receive(decoder: Decoder): Generator<Frame> {
    for (;;) {
      let frame: ReturnType<Decoder['receiveSync']>;
      try {
        frame = decoder.receiveSync();
      } catch {
        this.#damaged++;
        continue;
      }
      if (!(frame instanceof LibraryFrame)) return;
      yield frame;
    }
  }

  #presentationTimeMs(frame: Frame): number {
    return (ticksOf(this.timeMs(frame)) * 1000) / VIDEO_CLOCK_RATE_HZ;
  }
}

function createDecoder(stream: Stream): Decoder {
  const { codecType, codecId } = stream.codecpar;
  try {
    if (codecType === constants.AVMEDIA_TYPE_VIDEO) return Decoder.createSync(stream);
    // Integers, for which FFmpeg keeps a mix of several channels within full scale.
    const resample = {
      sampleRate: FILE_SAMPLE_RATE_HZ,
      sampleFormat: constants.AV_SAMPLE_FMT_S16,
      channelLayout: constants.AV_CHANNEL_LAYOUT_MONO,
    };
    // The decoder that live sound is decoded with.
    if (codecId === constants.AV_CODEC_ID_OPUS)
      return Decoder.createSync(stream, constants.FF_DECODER_LIBOPUS, { resample });
    return Decoder.createSync(stream, { resample });
  } catch (cause) {
    throw new AvsacError('file-unreadable', 'FFmpeg has no decoder for one of its streams', { cause });
  }
}

/**
 * FFmpeg's filter that turns a picture as its display matrix says (ISO/IEC 14496-12 §8.3.2; FFmpeg's own way, `fftools`).
 * @param matrix nine int32 in the byte order of the machine, row by row; null when the picture is upright.
 */
function turningFilter(matrix: Buffer | null): string | undefined {
  if (matrix === null) return undefined;
  const [a = 0, b = 0, , c = 0, d = 0] = new Int32Array(Uint8Array.from(matrix).buffer);
  const degrees = (Math.round((Math.atan2(b, a) * 180) / Math.PI) + 360) % 360;
  if (degrees === 90) return c > 0 ? 'transpose=cclock_flip' : 'transpose=clock';
  if (degrees === 270) return c < 0 ? 'transpose=clock_flip' : 'transpose=cclock';
  const flips = [a < 0 ? 'hflip' : '', d < 0 ? 'vflip' : ''].filter((flip) => flip !== '');
  return flips.length > 0 ? flips.join(',') : undefined;
}

function turned(frame: Frame, filter: FilterAPI): Frame[] {
  try {
    return filter.processAllSync(frame);
  } finally {
    frame.free();
  }
}
