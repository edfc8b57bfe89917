/** A video of a file with its masks burnt in, its sound kept. */
import { Decoder, Demuxer, Encoder, Muxer } from 'node-av/api';
import * as constants from 'node-av/constants';
import { type Packet, Rational, type Stream } from 'node-av/lib';
import { VIDEO_CLOCK_RATE_HZ } from '../../shared/clock.ts';
import { AvsacError, reasonOf } from '../../shared/errors.ts';
import type { FileMask } from '../../shared/results.ts';
import { ticksOf } from './media-file.ts';
import { setOptions } from './node-av-encoder-options.ts';
import type { NodeAvFile } from './node-av-file.ts';
import { paintedFrames } from './node-av-painted-frames.ts';

/** What every player of MP4 plays is copied; all else becomes AAC. */
const COPIED_SOUND: readonly number[] = [
  constants.AV_CODEC_ID_AAC,
  constants.AV_CODEC_ID_MP3,
  constants.AV_CODEC_ID_OPUS,
];
const AAC_BITS_PER_SECOND = 192_000;
/** x264's constant rate factor: nothing of the picture is seen to be lost. */
const X264_OPTIONS = { preset: 'veryfast', crf: '20' } as const;

/**
 * @param path of the video; its ending names the container.
 * @param progress told the time of each frame, ms.
 * @throws AvsacError `file-unwritable`
 */
export async function writeOverlay(
  file: NodeAvFile,
  masks: readonly FileMask[],
  path: string,
  progress: (presentationTimeMs: number) => void,
): Promise<void> {
  let muxer: Muxer | undefined;
  let encoder: Encoder | undefined;
  let sound: SoundCopy | undefined;
  try {
    muxer = await Muxer.open(path);
    encoder = Encoder.createSync(constants.FF_ENCODER_LIBX264, {
      context: { threadCount: 0, framerate: file.frameRate },
      configure: (context) => setOptions(context, X264_OPTIONS),
    });
    const video = muxer.addStream(encoder);
    sound = file.hasSound ? new SoundCopy(file.path, muxer) : undefined;
    let last = Number.NEGATIVE_INFINITY;
    for (const { frame, presentationTimeMs } of paintedFrames(file, masks)) {
      const ticks = ticksOf(presentationTimeMs);
      // No container takes two pictures at one time.
      if (ticks <= last) continue;
      last = ticks;
      frame.pts = BigInt(ticks);
      frame.timeBase = new Rational(1, VIDEO_CLOCK_RATE_HZ);
      frame.pictType = constants.AV_PICTURE_TYPE_NONE;
      write(muxer, encoder.encodeAllSync(frame), video);
      sound?.copyUntil(presentationTimeMs);
      progress(presentationTimeMs);
    }
    write(muxer, encoder.encodeAllSync(null), video);
    sound?.copyUntil(Number.POSITIVE_INFINITY);
  } catch (cause) {
    if (cause instanceof AvsacError) throw cause;
    throw new AvsacError('file-unwritable', `${path}: ${reasonOf(cause)}`, { cause });
  } finally {
    sound?.close();
    await muxer?.close();
    encoder?.close();
  }
}

function write(muxer: Muxer, packets: readonly Packet[], track: number): void {
  for (const packet of packets) {
    muxer.writePacketSync(packet, track);
    packet.free();
  }
}

/** The sound of a file on its way into another, as far as the pictures are. */
class SoundCopy {
  readonly #input: Demuxer;
  readonly #muxer: Muxer;
  readonly #track: number;
  readonly #encoder: Encoder | undefined;
  readonly #packets: Generator<Packet>;
  #next: Packet | undefined;

  constructor(path: string, muxer: Muxer) {
    this.#input = Demuxer.openSync(path);
    this.#muxer = muxer;
    const stream = this.#input.findBestStream(constants.AVMEDIA_TYPE_AUDIO)!;
    if (!COPIED_SOUND.includes(stream.codecpar.codecId)) {
      this.#encoder = Encoder.createSync(constants.FF_ENCODER_AAC, {
        context: { bitRate: AAC_BITS_PER_SECOND },
        autoResample: true,
      });
    }
    this.#track = this.#encoder ? muxer.addStream(this.#encoder) : muxer.addStream(stream);
    this.#packets = this.#encoder ? this.#encoded(stream, this.#encoder) : this.#copied(stream);
  }

  copyUntil(presentationTimeMs: number): void {
    for (;;) {
      this.#next ??= this.#packets.next().value as Packet | undefined;
      if (this.#next === undefined) return;
      const { pts, timeBase } = this.#next;
      if ((Number(pts) * timeBase.num * 1000) / timeBase.den > presentationTimeMs) return;
      write(this.#muxer, [this.#next], this.#track);
      this.#next = undefined;
    }
  }

  close(): void {
    this.#next?.free();
    this.#packets.return(undefined);
    this.#encoder?.close();
    this.#input.closeSync();
  }

  *#copied(stream: Stream): Generator<Packet> {
    const start = BigInt(Math.round((this.#input.startTime * stream.timeBase.den) / stream.timeBase.num));
    for (const packet of this.#input.packetsSync(stream.index)) {
      if (packet === null) return;
      packet.pts -= start;
      packet.dts -= start;
      yield packet;
    }
  }

  *#encoded(stream: Stream, encoder: Encoder): Generator<Packet> {
    const decoder = Decoder.createSync(stream, { exitOnError: false });
    try {
      for (const frame of decoder.framesSync(this.#input.packetsSync(stream.index))) {
        if (frame !== null) {
          const { num, den } = frame.timeBase;
          frame.pts -= BigInt(Math.round((this.#input.startTime * den) / num));
        }
        yield* encoder.encodeAllSync(frame);
        frame?.free();
      }
    } finally {
      decoder.close();
    }
  }
}
