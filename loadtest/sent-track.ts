/** One RTP stream out of a publisher: headers, sender reports, and what the receiver says of it. With publisher.ts the importer of werift. */
import { type RTCRtpSender, RtcpRrPacket, RtpHeader, RtpPacket } from 'werift';
import { unixMsToNtp } from '../shared/clock.ts';

export class SentTrack {
  readonly #sender: RTCRtpSender;
  #sequenceNumber = Math.floor(Math.random() * 2 ** 16);
  #rtpTimestamp = 0;
  packetsSent = 0;
  bytesSent = 0;
  nacksReceived = 0;
  plisReceived = 0;
  /** By the last receiver report. */
  packetsLost = 0;

  constructor(sender: RTCRtpSender) {
    this.#sender = sender;
    sender.onGenericNack.subscribe(() => void this.nacksReceived++);
    sender.onPictureLossIndication.subscribe(() => void this.plisReceived++);
    sender.onRtcp.subscribe((packet) => {
      if (packet.type !== RtcpRrPacket.type) return;
      const report = (packet as RtcpRrPacket).reports.find(({ ssrc }) => ssrc === sender.ssrc);
      this.packetsLost = report?.packetsLost ?? this.packetsLost;
    });
  }

  /**
   * Has the sender reports say when media was captured. werift 0.25 writes the time of sending, and the decimal digits of its
   * fraction in place of the binary ones (RFC 3550 §4).
   * @param timeMs capture time that an RTP timestamp stands for, ms since the Unix epoch.
   */
  reportCaptureTimes(timeMs: (rtpTimestamp: number) => number): void {
    Object.defineProperty(this.#sender, 'ntpTimestamp', {
      get: () => {
        const { seconds, fraction } = unixMsToNtp(timeMs(this.#rtpTimestamp));
        return (BigInt(seconds) << 32n) | BigInt(fraction);
      },
      set: () => {},
    });
  }

  send(payload: Uint8Array, marker: boolean, timestamp: number): void {
    const header = new RtpHeader({ sequenceNumber: this.#sequenceNumber, marker, timestamp });
    this.#sequenceNumber = (this.#sequenceNumber + 1) % 2 ** 16;
    this.#rtpTimestamp = timestamp;
    this.packetsSent++;
    this.bytesSent += payload.length;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    void this.#sender.sendRtp(new RtpPacket(header, bytes));
  }
}
