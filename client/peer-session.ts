/** One RTCPeerConnection that sends a stream's tracks and receives masks; lives as long as its signalling connection. */
import {
  type Candidate,
  type ClientMessage,
  CONTROL_CHANNEL_LABEL,
  type ControlMessage,
  MASK_CHANNEL_LABEL,
  MASK_CHANNEL_OPTIONS,
} from '../shared/signalling.ts';
import { type EncodedFrame, READY } from './encoded-frames.ts';

/** Bits spent on a pixel: what VP8 needs for good, not perfect, pictures. */
const BITS_PER_PIXEL = 0.2;
const MIN_VIDEO_BITRATE = 500_000;
const MAX_VIDEO_BITRATE = 2_500_000;
const MAX_FRAME_RATE = 30;
/** The model looks at far less; sending more costs both sides. */
const MAX_SENT_HEIGHT = 720;
const AUDIO_BITRATE = 64_000;
const CODEC_PREFERENCE = ['video/vp8', 'video/h264'];
/** Lets the server know capture times from the first packet on, before the first sender report. */
const ABS_CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** Most connections that stumble recover within this; restarting ICE sooner would only disturb them, ms. */
const DISCONNECTED_GRACE_MS = 1500;

export interface PeerSessionListener {
  send(message: ClientMessage): void;
  connected(): void;
  /** ICE was restarted: the connection stumbles but may come back. */
  stumbled(): void;
  /** The connection is beyond recovery, or negotiation failed: close it. Called at most once. */
  failed(code: 'media-unreachable' | 'negotiation-failed', detail: unknown): void;
  /** @param encodingMs `performance.now()` when the frame went into the encoder. Never called by browsers that cannot tell. */
  frameEncoded(rtpTimestamp: number, encodingMs: number): void;
  mask(bytes: Uint8Array, arrivalMs: number): void;
  control(message: ControlMessage): void;
}

/** What the browser says about sending; bit/s and pixels. */
export interface SendStats {
  readonly roundTripMs: number | undefined;
  /** RTCIceCandidatePairStats.availableOutgoingBitrate: what congestion control allows, all streams together. */
  readonly availableOutgoingBitrate: number | undefined;
  readonly videoCodec: string | undefined;
  readonly frameWidth: number | undefined;
  readonly frameHeight: number | undefined;
  readonly framesPerSecond: number | undefined;
  readonly videoBitrate: number | undefined;
  /** RTCOutboundRtpStreamStats.qualityLimitationReason: `none`, `cpu`, `bandwidth`, `other`. */
  readonly limitedBy: string | undefined;
}

export class PeerSession {
  readonly #listener: PeerSessionListener;
  readonly #connection: RTCPeerConnection;
  readonly #abort = new AbortController();
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #failed = false;
  readonly #encodedFrames: Worker | undefined;
  /** Time that frames spend in the encoder, ms; 0 until it is known. */
  #encodeTimeMs = 0;
  #lastBytes: { readonly bytes: number; readonly timeMs: number } | undefined;

  constructor(stream: MediaStream, iceServers: readonly RTCIceServer[], listener: PeerSessionListener) {
    this.#listener = listener;
    const connection = new RTCPeerConnection({ iceServers: [...iceServers], bundlePolicy: 'max-bundle' });
    this.#connection = connection;
    this.#openChannels();
    const { signal } = this.#abort;
    connection.addEventListener(
      'icecandidate',
      ({ candidate }) => {
        // The empty candidate ends one generation of candidates (RFC 8838 §13); null ends gathering: the server wants one of the two.
        if (candidate === null) listener.send({ type: 'candidate', candidate: null });
        else if (candidate.candidate !== '')
          listener.send({ type: 'candidate', candidate: candidate.toJSON() as Candidate });
      },
      { signal },
    );
    connection.addEventListener('connectionstatechange', () => this.#connectionStateChanged(), { signal });
    if (typeof RTCRtpScriptTransform === 'function') {
      this.#encodedFrames = new Worker(new URL('./encoded-frames-worker.ts', import.meta.url), { type: 'module' });
      this.#publishWatched(stream, this.#encodedFrames);
    } else {
      this.#publish(stream, undefined);
    }
  }

  async answer(sdp: string): Promise<void> {
    try {
      await this.#connection.setRemoteDescription({ type: 'answer', sdp });
    } catch (error) {
      this.#fail('negotiation-failed', error);
    }
  }

  async addCandidate(candidate: Candidate | null): Promise<void> {
    try {
      await this.#connection.addIceCandidate(candidate === null ? undefined : (candidate as RTCIceCandidateInit));
    } catch (error) {
      // One bad candidate is no reason to give up the others.
      console.warn('avsac-live: a candidate was refused', error);
    }
  }

  async stats(): Promise<SendStats> {
    const report = await this.#connection.getStats();
    let video: RTCOutboundRtpStreamStats | undefined;
    let pair: RTCIceCandidatePairStats | undefined;
    for (const entry of report.values()) {
      if (entry.type === 'outbound-rtp' && entry.kind === 'video') video = entry;
      if (entry.type === 'candidate-pair' && entry.nominated) pair = entry;
    }
    if (video?.totalEncodeTime !== undefined && video.framesEncoded) {
      this.#encodeTimeMs = (video.totalEncodeTime / video.framesEncoded) * 1000;
    }
    const codec: { mimeType?: string } | undefined =
      video?.codecId === undefined ? undefined : report.get(video.codecId);
    return {
      roundTripMs: pair?.currentRoundTripTime === undefined ? undefined : pair.currentRoundTripTime * 1000,
      availableOutgoingBitrate: pair?.availableOutgoingBitrate,
      videoCodec: codec?.mimeType?.replace(/^video\//i, ''),
      frameWidth: video?.frameWidth,
      frameHeight: video?.frameHeight,
      framesPerSecond: video?.framesPerSecond,
      videoBitrate: this.#bitrate(video),
      limitedBy: video?.qualityLimitationReason,
    };
  }

  /** Idempotent. The stream's tracks go on. */
  close(): void {
    clearTimeout(this.#graceTimer);
    this.#abort.abort();
    this.#connection.close();
    this.#encodedFrames?.terminate();
  }

  #openChannels(): void {
    const masks = this.#connection.createDataChannel(MASK_CHANNEL_LABEL, MASK_CHANNEL_OPTIONS);
    masks.binaryType = 'arraybuffer';
    const { signal } = this.#abort;
    masks.addEventListener(
      'message',
      ({ data }) => {
        if (data instanceof ArrayBuffer) this.#listener.mask(new Uint8Array(data), performance.now());
      },
      { signal },
    );
    const control = this.#connection.createDataChannel(CONTROL_CHANNEL_LABEL);
    control.addEventListener(
      'message',
      ({ data }) => {
        const message = typeof data === 'string' ? (JSON.parse(data) as { type?: unknown }) : {};
        if (message.type === 'stats') this.#listener.control(message as ControlMessage);
      },
      { signal },
    );
  }

  #addTrack(track: MediaStreamTrack, stream: MediaStream, encodedFrames: Worker | undefined): void {
    if (track.kind === 'audio') {
      this.#connection.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        sendEncodings: [{ maxBitrate: AUDIO_BITRATE }],
      });
      return;
    }
    const { width = 640, height = 480 } = track.getSettings();
    const scaleResolutionDownBy = Math.max(1, Math.min(width, height) / MAX_SENT_HEIGHT);
    const pixels = (width * height) / scaleResolutionDownBy ** 2;
    const maxBitrate = pixels * MAX_FRAME_RATE * BITS_PER_PIXEL;
    const transceiver = this.#connection.addTransceiver(track, {
      direction: 'sendonly',
      streams: [stream],
      sendEncodings: [
        {
          maxBitrate: Math.round(Math.min(MAX_VIDEO_BITRATE, Math.max(MIN_VIDEO_BITRATE, maxBitrate))),
          maxFramerate: MAX_FRAME_RATE,
          scaleResolutionDownBy,
        },
      ],
    });
    // At once: Chromium shows no frames of a sender that was without a transform in the task that made it.
    if (encodedFrames !== undefined) transceiver.sender.transform = new RTCRtpScriptTransform(encodedFrames);
    const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
    const rank = ({ mimeType }: { mimeType: string }) => {
      const at = CODEC_PREFERENCE.indexOf(mimeType.toLowerCase());
      return at < 0 ? CODEC_PREFERENCE.length : at;
    };
    transceiver.setCodecPreferences?.(codecs.toSorted((a, b) => rank(a) - rank(b)));
    const extensions = transceiver.getHeaderExtensionsToNegotiate?.();
    if (extensions !== undefined) {
      for (const extension of extensions) if (extension.uri === ABS_CAPTURE_TIME) extension.direction = 'sendrecv';
      transceiver.setHeaderExtensionsToNegotiate?.(extensions);
    }
  }

  /**
   * Publishes when the worker has loaded: bandwidth is probed as soon as the connection stands, and little is found while
   * frames wait for a worker. The frames go through a worker so that sending does not wait for a busy page.
   */
  async #publishWatched(stream: MediaStream, worker: Worker): Promise<void> {
    const { signal } = this.#abort;
    const loaded = await new Promise<boolean>((resolve) => {
      worker.addEventListener(
        'message',
        ({ data }: MessageEvent<EncodedFrame | typeof READY>) => {
          if (data === READY) {
            resolve(true);
            return;
          }
          const encodedMs = data.encodedUnixMs - performance.timeOrigin;
          this.#listener.frameEncoded(data.rtpTimestamp, encodedMs - this.#encodeTimeMs);
        },
        { signal },
      );
      // Masks find their frames by capture time then.
      worker.addEventListener('error', () => resolve(false), { signal });
    });
    if (!signal.aborted) this.#publish(stream, loaded ? worker : undefined);
  }

  #publish(stream: MediaStream, encodedFrames: Worker | undefined): void {
    for (const track of stream.getTracks()) this.#addTrack(track, stream, encodedFrames);
    this.#offer({});
  }

  async #offer(options: RTCOfferOptions): Promise<void> {
    try {
      await this.#connection.setLocalDescription(await this.#connection.createOffer(options));
      if (this.#abort.signal.aborted) return;
      this.#listener.send({ type: 'offer', sdp: this.#connection.localDescription!.sdp });
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#fail('negotiation-failed', error);
    }
  }

  #connectionStateChanged(): void {
    clearTimeout(this.#graceTimer);
    switch (this.#connection.connectionState) {
      case 'connected':
        this.#listener.connected();
        break;
      case 'disconnected':
        this.#graceTimer = setTimeout(() => {
          this.#listener.stumbled();
          this.#offer({ iceRestart: true });
        }, DISCONNECTED_GRACE_MS);
        break;
      case 'failed':
        this.#fail('media-unreachable', 'ICE or DTLS failed');
        break;
    }
  }

  #fail(code: 'media-unreachable' | 'negotiation-failed', detail: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#listener.failed(code, detail);
  }

  #bitrate(video: RTCOutboundRtpStreamStats | undefined): number | undefined {
    const bytes = video?.bytesSent;
    if (video === undefined || bytes === undefined) return undefined;
    const last = this.#lastBytes;
    this.#lastBytes = { bytes, timeMs: video.timestamp };
    if (last === undefined || video.timestamp <= last.timeMs) return undefined;
    return ((bytes - last.bytes) * 8000) / (video.timestamp - last.timeMs);
  }
}
