/** One RTP stream out of a publisher, every packet with the capture time of its frame. With publish-file.ts the importer of werift. */
import { type RTCRtpSender, RtpHeader, RtpPacket } from 'werift';
import { unixMsToNtp } from '../shared/clock.ts';

export class SentTrack {
  readonly #sender: RTCRtpSender;
  readonly #clockRateHz: number;
  readonly #beganMs: number;
  readonly #captureTimeId: number | undefined;
  #sequenceNumber = Math.floor(Math.random() * 2 ** 15);
  #newest = 0;

  /**
   * @param beganMs capture time of RTP time 0, ms since the Unix epoch.
   * @param captureTimeId of the header extension abs-capture-time, undefined when the receiver does not take it.
   */
  constructor(sender: RTCRtpSender, clockRateHz: number, beganMs: number, captureTimeId: number | undefined) {
    this.#sender = sender;
    this.#clockRateHz = clockRateHz;
    this.#beganMs = beganMs;
    this.#captureTimeId = captureTimeId;
    // werift 0.25 reports the time of sending, and the decimal digits of its fraction in place of the binary ones (RFC 3550 §4).
    Object.defineProperty(sender, 'ntpTimestamp', { get: () => this.#ntp(this.#newest), set: () => {} });
  }

  /**
   * @param payloads of one frame, in order.
   * @param timestamp RTP time, not wrapped.
   */
  async send(payloads: readonly Uint8Array[], timestamp: number): Promise<void> {
    this.#newest = timestamp;
    const captureTime = Buffer.alloc(8);
    captureTime.writeBigUInt64BE(this.#ntp(timestamp));
    const extensions = this.#captureTimeId === undefined ? [] : [{ id: this.#captureTimeId, payload: captureTime }];
    for (const [i, payload] of payloads.entries()) {
      const header = new RtpHeader({
        sequenceNumber: this.#sequenceNumber,
        marker: i === payloads.length - 1,
        timestamp: timestamp >>> 0,
        extensions: [...extensions],
        extension: true,
      });
      this.#sequenceNumber = (this.#sequenceNumber + 1) % 2 ** 16;
      await this.#sender.sendRtp(new RtpPacket(header, Buffer.from(payload)));
    }
  }

  #ntp(timestamp: number): bigint {
    const { seconds, fraction } = unixMsToNtp(this.#beganMs + (timestamp * 1000) / this.#clockRateHz);
    return (BigInt(seconds) << 32n) | BigInt(fraction);
  }
}
