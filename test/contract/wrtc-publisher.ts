import wrtc from '@roamhq/wrtc';
import { offerOf } from '../../loadtest/libwebrtc-offer.ts';

type Kind = 'audio' | 'video' | 'channel';

const SAMPLE_RATE = 48_000;
const AUDIO_FRAMES = SAMPLE_RATE / 100;

/** A real libwebrtc that publishes a moving picture and a tone. Signalling is the test's. */
export class WrtcPublisher {
  readonly connection = new wrtc.RTCPeerConnection();
  /** Messages by data channel label. */
  readonly received = new Map<string, (string | Uint8Array)[]>();
  readonly #videoSource = new wrtc.nonstandard.RTCVideoSource();
  readonly #audioSource = new wrtc.nonstandard.RTCAudioSource();
  readonly #timers: NodeJS.Timeout[] = [];
  #onMessage: () => void = () => {};
  width = 320;
  height = 240;

  /** Adds what shall be offered. */
  add(kinds: readonly Kind[]): void {
    for (const kind of kinds) {
      if (kind === 'video') this.connection.addTrack(this.videoTrack());
      else if (kind === 'audio') this.connection.addTrack(this.#audioSource.createTrack());
      else this.#openChannel('masks');
    }
    if (this.#timers.length > 0) return;
    let frame = 0;
    this.#timers.push(setInterval(() => this.#sendFrame(frame++), 33));
    let sample = 0;
    this.#timers.push(
      setInterval(() => {
        const samples = Int16Array.from({ length: AUDIO_FRAMES }, () => 8000 * Math.sin(sample++ * 0.06));
        this.#audioSource.onData({
          samples,
          sampleRate: SAMPLE_RATE,
          bitsPerSample: 16,
          channelCount: 1,
          numberOfFrames: AUDIO_FRAMES,
        });
      }, 10),
    );
  }

  videoTrack(): MediaStreamTrack {
    return this.#videoSource.createTrack();
  }

  offer(options: RTCOfferOptions = {}): Promise<string> {
    return offerOf(this.connection, options);
  }

  async accept(sdp: string): Promise<void> {
    await this.connection.setRemoteDescription({ type: 'answer', sdp });
  }

  /** Resolves when `isMet` after a message. */
  async untilReceived(isMet: () => boolean): Promise<void> {
    if (isMet()) return;
    await new Promise<void>((resolve) => {
      this.#onMessage = () => isMet() && resolve();
    });
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.connection.close();
  }

  #openChannel(label: string): void {
    const channel = this.connection.createDataChannel(label, { ordered: false, maxRetransmits: 0 });
    const messages: (string | Uint8Array)[] = [];
    this.received.set(label, messages);
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
      messages.push(typeof data === 'string' ? data : new Uint8Array(data));
      this.#onMessage();
    };
  }

  #sendFrame(frame: number): void {
    const { width, height } = this;
    const data = new Uint8ClampedArray((width * height * 3) / 2).fill(128);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) data[y * width + x] = ((x + frame * 3) ^ y) & 0xff;
    }
    this.#videoSource.onFrame({ width, height, data });
  }
}
