/** Publishes a file over WebRTC by WHIP, and gives the masks that come back. With sent-track.ts the importer of werift. */
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import {
  RTCPeerConnection,
  RTCRtpHeaderExtensionParameters,
  type RTCRtpSender,
  useH264,
  useOPUS,
  useSdesMid,
  useVP8,
} from 'werift';
import { SerialUnwrapper, VIDEO_CLOCK_RATE_HZ } from '../shared/clock.ts';
import type { EncodedMedia } from '../shared/encoded-media.ts';
import { AvsacError } from '../shared/errors.ts';
import { type FileMask, fileMask } from '../shared/results.ts';
import { MaskedPace, OwnPace } from './pace.ts';
import { payloadsOf } from './rtp-payloads.ts';
import { SentTrack } from './sent-track.ts';
import { type WhipServer, WhipSession } from './whip-session.ts';

const OPUS_CLOCK_RATE_HZ = 48_000;
/** From the answer to a working connection. */
const CONNECT_WITHIN_MS = 20_000;
/** The last mask is of a frame no further than this before the last frame: there are two a second at least. */
const LAST_MASK_BEFORE_MS = 500;
/** After it: without another for so long there will be none, ms. */
const QUIET_MS = 500;
/** Without the last mask for so long, it was dropped, ms. */
const GIVE_UP_MS = 5_000;
const ABS_CAPTURE_TIME_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
const FEEDBACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }];

export interface PublishOptions extends WhipServer {
  /** As fast as masks come back, instead of at the file's own pace. */
  readonly fast: boolean;
}

export interface PublishedMask {
  readonly presentationTimeMs: number;
  readonly mask: FileMask;
}

/**
 * The masks in the order that they come; the session is over when the last has come.
 * @throws AvsacError what the server said, `server-unreachable`, `peer-timeout`
 */
export async function* publishFile(media: EncodedMedia, options: PublishOptions): AsyncGenerator<PublishedMask> {
  const connection = connectionFor(media);
  const hangUp = new AbortController();
  let session: WhipSession | undefined;
  try {
    const beganMs = Math.round(Date.now());
    const [video, audio] = (media.hasSound ? (['video', 'audio'] as const) : (['video'] as const)).map(
      (kind) => connection.addTransceiver(kind, { direction: 'sendonly' }).sender,
    );
    video!.onPictureLossIndication.subscribe(() => media.requestKeyFrame());
    await connection.setLocalDescription(await connection.createOffer());
    session = await WhipSession.open(options, connection.localDescription!.sdp);
    const feed = await session.follow(hangUp.signal);
    await connection.setRemoteDescription({ type: 'answer', sdp: session.answer });
    await connected(connection);
    const { answer } = session;
    const track = (sender: RTCRtpSender, kind: 'video' | 'audio', clockRateHz: number) =>
      new SentTrack(
        sender,
        (timestamp) => beganMs + (timestamp * 1000) / clockRateHz,
        extensionId(ABS_CAPTURE_TIME_URI, kind, answer),
      );
    const tracks = {
      video: track(video!, 'video', VIDEO_CLOCK_RATE_HZ),
      audio: audio && track(audio, 'audio', OPUS_CLOCK_RATE_HZ),
    };

    const pace = options.fast ? new MaskedPace() : new OwnPace();
    const unwrapper = new SerialUnwrapper(32);
    const masked = new Answers();
    const sending = send(media, tracks, pace, hangUp.signal)
      .then((lastMs) => masked.until(lastMs, hangUp.signal))
      .finally(() => session?.close());
    // Awaited below, when the feed has ended.
    sending.catch(() => hangUp.abort());
    try {
      for await (const line of feed) {
        if (line.type === 'end' && !session.closed) {
          throw new AvsacError('server-unreachable', `the server ended the session: ${line.reason}`);
        }
        if (line.type !== 'result') continue;
        const presentationTimeMs = (unwrapper.unwrap(line.rtpTimestamp) * 1000) / VIDEO_CLOCK_RATE_HZ;
        pace.masked(presentationTimeMs);
        masked.newest(presentationTimeMs);
        yield { presentationTimeMs, mask: fileMask(line, presentationTimeMs) };
      }
    } catch (error) {
      // Why the sending ended says more than that the feed was hung up on.
      if (hangUp.signal.aborted) await sending;
      throw error;
    }
    await sending;
  } finally {
    hangUp.abort();
    await session?.close();
    await connection.close();
  }
}

function connectionFor({ videoCodec }: EncodedMedia): RTCPeerConnection {
  const video = videoCodec === 'VP8' ? useVP8({ rtcpFeedback: FEEDBACK }) : useH264({ rtcpFeedback: FEEDBACK });
  const extensions = () => [useSdesMid(), new RTCRtpHeaderExtensionParameters({ uri: ABS_CAPTURE_TIME_URI })];
  return new RTCPeerConnection({
    codecs: { video: [video], audio: [useOPUS()] },
    headerExtensions: { video: extensions(), audio: extensions() },
    iceServers: [],
  });
}

/** Of the section of a kind (RFC 8285 §5): werift numbers the extensions of each section anew. */
function extensionId(uri: string, kind: 'video' | 'audio', sdp: string): number | undefined {
  const section = sdp.split(/^m=/m).find((section) => section.startsWith(kind)) ?? '';
  const line = section.split(/\r?\n/).find((line) => line.startsWith('a=extmap:') && line.endsWith(` ${uri}`));
  return line === undefined ? undefined : Number.parseInt(line.slice('a=extmap:'.length), 10);
}

/** @throws AvsacError `peer-timeout` */
async function connected(connection: RTCPeerConnection): Promise<void> {
  if (connection.connectionState === 'connected') return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new AvsacError('peer-timeout')), CONNECT_WITHIN_MS);
  connection.connectionStateChange.subscribe((state) => {
    if (state === 'connected') resolve();
    if (state === 'failed') reject(new AvsacError('peer-failed'));
  });
  await promise.finally(() => clearTimeout(timer));
}

/** @returns time of the last frame sent, ms. */
async function send(
  media: EncodedMedia,
  tracks: { readonly video: SentTrack; readonly audio: SentTrack | undefined },
  pace: OwnPace | MaskedPace,
  signal: AbortSignal,
): Promise<number> {
  let lastMs = 0;
  for (const packet of media.packets()) {
    await pace.reach(packet.dueMs);
    if (signal.aborted) break;
    await tracks[packet.kind]?.send(payloadsOf(packet, media.videoCodec), packet.timestamp);
    if (packet.kind === 'video') lastMs = packet.dueMs;
  }
  return lastMs;
}

/** Waits for the last mask, of which nobody knows which frame it will be of. */
class Answers {
  #newestMs = 0;
  #atMs = performance.now();

  newest(presentationTimeMs: number): void {
    this.#newestMs = presentationTimeMs;
    this.#atMs = performance.now();
  }

  /** Resolves when a mask near `lastMs` has come, and no other for a moment; or none at all for long. */
  async until(lastMs: number, signal: AbortSignal): Promise<void> {
    this.#atMs = performance.now();
    for (;;) {
      const near = lastMs - this.#newestMs < LAST_MASK_BEFORE_MS;
      const waitMs = this.#atMs + (near ? QUIET_MS : GIVE_UP_MS) - performance.now();
      if (waitMs <= 0 || signal.aborted) return;
      await setTimeoutPromise(Math.min(waitMs, QUIET_MS), undefined, { signal }).catch(() => {});
    }
  }
}
