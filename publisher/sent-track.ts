/** One RTP stream out of a publisher: headers, sender reports, and what the receiver says of it. With publish-file.ts the importer of werift. */
import { type RTCRtpSender, RtcpRrPacket, RtpHeader, RtpPacket } from 'werift';
import { unixMsToNtp } from '../shared/clock.ts';

export class SentTrack {
  readonly #sender: RTCRtpSender;
  readonly #captureTimeMs: (timestamp: number) => number;
  readonly #captureTimeId: number | undefined;
  #sequenceNumber = Math.floor(Math.random() * 2 ** 15);
  #newest = 0;
  packetsSent = 0;
  bytesSent = 0;
  nacksReceived = 0;
  plisReceived = 0;
  /** By the last receiver report. */
  packetsLost = 0;

  /**
   * @param captureTimeMs that an RTP time as given to `send` stands for, ms since the Unix epoch.
   * @param captureTimeId of the header extension abs-capture-time, undefined when packets do not carry it.
   */
  constructor(sender: RTCRtpSender, captureTimeMs: (timestamp: number) => number, captureTimeId?: number) {
    this.#sender = sender;
    this.#captureTimeMs = captureTimeMs;
    this.#captureTimeId = captureTimeId;
    sender.onGenericNack.subscribe(() => void this.nacksReceived++);
    sender.onPictureLossIndication.subscribe(() => void this.plisReceived++);
    sender.onRtcp.subscribe((packet) => {
      if (packet.type !== RtcpRrPacket.type) return;
      const report = (packet as RtcpRrPacket).reports.find(({ ssrc }) => ssrc === sender.ssrc);
      this.packetsLost = report?.packetsLost ?? this.packetsLost;
    });
    // werift 0.25 reports the time of sending, and the decimal digits of its fraction in place of the binary ones (RFC 3550 §4).
    Object.defineProperty(sender, 'ntpTimestamp', { get: () => this.#ntp(this.#newest), set: () => {} });
  }

  /**
   * @param payloads of one frame, in order.
   * @param timestamp RTP time, wrapped or not.
   */
  async send(payloads: readonly Uint8Array[], timestamp: number): Promise<void> {
    this.#newest = timestamp;
    const extensions = this.#captureTimeId === undefined ? [] : [this.#captureTime(this.#captureTimeId)];
    const packets = payloads.map((payload, i) => {
      const header = new RtpHeader({
        sequenceNumber: this.#sequenceNumber,
        marker: i === payloads.length - 1,
        timestamp: timestamp >>> 0,
        extensions: [...extensions],
        extension: extensions.length > 0,
      });
      this.#sequenceNumber = (this.#sequenceNumber + 1) % 2 ** 16;
      return new RtpPacket(header, Buffer.from(payload.buffer, payload.byteOffset, payload.length));
    });
    for (const packet of packets) {
      this.packetsSent++;
      this.bytesSent += packet.payload.length;
      await this.#sender.sendRtp(packet);
    }
  }

  #captureTime(id: number): { id: number; payload: Buffer } {
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64BE(this.#ntp(this.#newest));
    return { id, payload };
  }

  #ntp(timestamp: number): bigint {
    const { seconds, fraction } = unixMsToNtp(this.#captureTimeMs(timestamp));
    return (BigInt(seconds) << 32n) | BigInt(fraction);
  }
}
