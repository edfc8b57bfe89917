/** A file as WebRTC carries it: VP8, H.264 and Opus as they are, all else encoded anew. */
import { BitStreamFilterAPI, Encoder, FilterAPI } from 'node-av/api';
import * as constants from 'node-av/constants';
import { Frame, type Packet, Rational } from 'node-av/lib';
import { VIDEO_CLOCK_RATE_HZ } from '../../shared/clock.ts';
import type { EncodedMedia, EncodedPacket } from '../../shared/encoded-media.ts';
import { FILE_SAMPLE_RATE_HZ, type FileSound, JITTER_SAMPLES, ticksOf } from './media-file.ts';
import { OPUS_LOOKAHEAD_SAMPLES } from './node-av-decoder.ts';
import { setOptions } from './node-av-encoder-options.ts';
import type { NodeAvFile } from './node-av-file.ts';

/** A picture lost stays lost until the next key frame: video with fewer of them is encoded anew, s. */
const KEY_FRAME_WITHIN_S = 10;
/** Of video encoded here. */
const KEY_INTERVAL_MS = 1000;
/** The model sees a small picture; longer sides are scaled down to this, pixels. */
const MAX_SIDE = 1280;
/** x264: no frame waits for another, what every receiver decodes, finer than the model sees. */
const X264_OPTIONS = { preset: 'veryfast', tune: 'zerolatency', profile: 'baseline', crf: '18' } as const;
const OPUS_BITS_PER_SECOND = 96_000;
/** Sound goes before the picture that is paired with it: what a decoder and a resampler hold back, and some; ms. */
const SOUND_LEAD_MS = 10;
/** 2.5 ms, of which every packet is a multiple (RFC 6716 §2.1.4). */
const OPUS_STEP_SAMPLES = FILE_SAMPLE_RATE_HZ / 400;
/** 20 ms. */
const OPUS_PACKET_SAMPLES = FILE_SAMPLE_RATE_HZ / 50;

export class NodeAvEncodedFile implements EncodedMedia {
  readonly videoCodec: 'VP8' | 'H264';
  readonly hasSound: boolean;
  /** True when the video is sent as it is in the file. */
  readonly copiesVideo: boolean;
  readonly #file: NodeAvFile;
  #keyFrameWanted = false;

  constructor(file: NodeAvFile) {
    this.#file = file;
    this.hasSound = file.hasSound;
    const codec = copiedCodec(file);
    this.copiesVideo = codec !== undefined;
    this.videoCodec = codec ?? 'H264';
  }

  /** What is copied has the key frames that it has. */
  requestKeyFrame(): void {
    this.#keyFrameWanted = true;
  }

  /** Video and sound in the order that they are due. */
  *packets(): Generator<EncodedPacket> {
    const video = this.copiesVideo ? copiedVideo(this.#file) : this.#encodedVideo();
    const sound = soundPackets(this.#file);
    try {
      let nextSound = sound.next();
      for (const picture of video) {
        for (; !nextSound.done && nextSound.value.dueMs <= picture.dueMs; nextSound = sound.next())
          yield nextSound.value;
        yield picture;
      }
      for (; !nextSound.done; nextSound = sound.next()) yield nextSound.value;
    } finally {
      video.return(undefined);
      sound.return(undefined);
    }
  }

  *#encodedVideo(): Generator<EncodedPacket> {
    let encoder: Encoder | undefined;
    let filter: FilterAPI | undefined;
    let keyDueMs = Number.NEGATIVE_INFINITY;
    try {
      for (const { frame: source, presentationTimeMs } of this.#file.uprightFrames()) {
        filter ??= FilterAPI.create(`scale=${encodedSize(source.width, source.height).join(':')},format=yuv420p`);
        encoder ??= Encoder.createSync(constants.FF_ENCODER_LIBX264, {
          context: { maxBFrames: 0, threadCount: 1, framerate: this.#file.frameRate },
          configure: (context) => setOptions(context, X264_OPTIONS),
        });
        const frames = filter.processAllSync(source);
        source.free();
        for (const frame of frames) {
          frame.pts = BigInt(ticksOf(presentationTimeMs));
          frame.timeBase = new Rational(1, VIDEO_CLOCK_RATE_HZ);
          const isKey = this.#keyFrameWanted || presentationTimeMs >= keyDueMs;
          if (isKey) keyDueMs = presentationTimeMs + KEY_INTERVAL_MS;
          this.#keyFrameWanted = false;
          frame.pictType = isKey ? constants.AV_PICTURE_TYPE_I : constants.AV_PICTURE_TYPE_NONE;
          const packets = encoder.encodeAllSync(frame);
          frame.free();
          for (const packet of packets) yield videoPacket(packet, Number(packet.pts));
        }
      }
    } finally {
      filter?.close();
      encoder?.close();
    }
  }
}

/** Frees the packet. */
function videoPacket(packet: Packet, timestamp: number): EncodedPacket {
  const data = Uint8Array.from(packet.data ?? []);
  const isKey = packet.isKeyframe;
  packet.free();
  return { kind: 'video', data, isKey, timestamp, dueMs: (timestamp * 1000) / VIDEO_CLOCK_RATE_HZ };
}

function encodedSize(width: number, height: number): [number, number] {
  const shrink = Math.min(1, MAX_SIDE / Math.max(width, height));
  const even = (length: number) => 2 * Math.max(1, Math.round((length * shrink) / 2));
  return [even(width), even(height)];
}

const COPIED_VIDEO = new Map<number, 'VP8' | 'H264'>([
  [constants.AV_CODEC_ID_VP8, 'VP8'],
  [constants.AV_CODEC_ID_H264, 'H264'],
]);

/** @returns the codec of video that a live receiver can take as it is. */
function copiedCodec(file: NodeAvFile): 'VP8' | 'H264' | undefined {
  const { input, stream } = file.openStream('video');
  try {
    const { codecpar } = stream;
    const turned = codecpar.getCodedSideData(constants.AV_PKT_DATA_DISPLAYMATRIX) !== null;
    // Shown in another order than decoded, which RTP keeps.
    const reordered = codecpar.videoDelay > 0;
    if (turned || reordered || codecpar.format !== constants.AV_PIX_FMT_YUV420P) return undefined;
    let keyMs = 0;
    for (const packet of input.packetsSync(stream.index)) {
      if (packet === null) break;
      const ms = file.timeMs(packet);
      if (packet.isKeyframe) keyMs = ms;
      packet.free();
      if (ms - keyMs > KEY_FRAME_WITHIN_S * 1000) return undefined;
    }
    return COPIED_VIDEO.get(codecpar.codecId);
  } finally {
    input.closeSync();
  }
}

function* copiedVideo(file: NodeAvFile): Generator<EncodedPacket> {
  const { input, stream } = file.openStream('video');
  const isH264 = stream.codecpar.codecId === constants.AV_CODEC_ID_H264;
  const toAnnexB = isH264 ? BitStreamFilterAPI.create('h264_mp4toannexb', stream) : undefined;
  try {
    for (const packet of input.packetsSync(stream.index)) {
      if (packet === null) return;
      const timestamp = ticksOf(file.timeMs(packet));
      const ready = toAnnexB?.filterAllSync(packet) ?? [packet];
      for (const filtered of ready) yield videoPacket(filtered, timestamp);
      if (toAnnexB) packet.free();
    }
  } finally {
    toAnnexB?.close();
    input.closeSync();
  }
}

function* soundPackets(file: NodeAvFile): Generator<EncodedPacket> {
  if (!file.hasSound) return;
  const { input, stream } = file.openStream('sound');
  const isOpus = stream.codecpar.codecId === constants.AV_CODEC_ID_OPUS;
  input.closeSync();
  yield* isOpus ? copiedOpus(file) : encodedOpus(file);
}

/** @param position of the first sample that comes out of a decoder, its lookahead among them. */
function opusPacket(data: Uint8Array, position: number): EncodedPacket {
  const timestamp = position + OPUS_LOOKAHEAD_SAMPLES;
  return {
    kind: 'audio',
    data,
    isKey: true,
    timestamp,
    dueMs: (timestamp * 1000) / FILE_SAMPLE_RATE_HZ - SOUND_LEAD_MS,
  };
}

function* copiedOpus(file: NodeAvFile): Generator<EncodedPacket> {
  const { input, stream } = file.openStream('sound');
  try {
    let next: number | undefined;
    for (const packet of input.packetsSync(stream.index)) {
      if (packet === null) return;
      const at = Math.round((file.timeMs(packet) * FILE_SAMPLE_RATE_HZ) / 1000);
      // Containers that count in milliseconds round what begins before zero.
      const begins =
        Math.abs(at + stream.codecpar.initialPadding) < JITTER_SAMPLES ? -stream.codecpar.initialPadding : at;
      const position = next !== undefined && Math.abs(at - next) < JITTER_SAMPLES ? next : begins;
      const { num, den } = packet.timeBase;
      const samples =
        OPUS_STEP_SAMPLES * Math.round((Number(packet.duration) * num * FILE_SAMPLE_RATE_HZ) / den / OPUS_STEP_SAMPLES);
      const data = Uint8Array.from(packet.data ?? []);
      packet.free();
      yield opusPacket(data, position);
      next = position + samples;
    }
  } finally {
    input.closeSync();
  }
}

function* encodedOpus(file: NodeAvFile): Generator<EncodedPacket> {
  const encoder = Encoder.createSync(constants.FF_ENCODER_LIBOPUS, {
    context: { bitRate: BigInt(OPUS_BITS_PER_SECOND) },
  });
  try {
    for (const { position, pcm } of blocks(file.sound())) {
      const frame = Frame.fromAudioBuffer(pcm, {
        sampleRate: FILE_SAMPLE_RATE_HZ,
        channelLayout: constants.AV_CHANNEL_LAYOUT_MONO,
        format: constants.AV_SAMPLE_FMT_S16,
        nbSamples: OPUS_PACKET_SAMPLES,
        timeBase: { num: 1, den: FILE_SAMPLE_RATE_HZ },
        pts: BigInt(position),
      });
      const packets = encoder.encodeAllSync(frame);
      frame.free();
      yield* packets.map(encodedPacket);
    }
    yield* encoder.encodeAllSync(null).map(encodedPacket);
  } finally {
    encoder.close();
  }
}

function encodedPacket(packet: Packet): EncodedPacket {
  const data = Uint8Array.from(packet.data ?? []);
  const position = Number(packet.pts);
  packet.free();
  return opusPacket(data, position);
}

/** Sound in blocks of one packet, int16, one after the other; a gap is silence. */
function* blocks(sound: Iterable<FileSound>): Generator<{ readonly position: number; readonly pcm: Buffer }> {
  let pcm = Buffer.alloc(OPUS_PACKET_SAMPLES * 2);
  let start: number | undefined;
  for (const { position, samples } of sound) {
    start ??= position;
    for (let i = 0; i < samples.length; i++) {
      const at = position + i;
      if (at < start) continue;
      for (; at >= start + OPUS_PACKET_SAMPLES; start += OPUS_PACKET_SAMPLES) {
        yield { position: start, pcm };
        pcm = Buffer.alloc(OPUS_PACKET_SAMPLES * 2);
      }
      pcm.writeInt16LE(Math.round(samples[i]! * 32_767), (at - start) * 2);
    }
  }
  if (start !== undefined) yield { position: start, pcm };
}
