/** Opus payload format (RFC 7587 §4.2): one packet carries exactly one Opus packet, which decodes by itself. */
import type { DepacketizedFrame, Depacketizer } from './depacketizer.ts';
import type { RtpPacket } from './rtp-packet.ts';

export class OpusDepacketizer implements Depacketizer {
  push(packet: RtpPacket): DepacketizedFrame {
    return { type: 'key', data: new Uint8Array(packet.payload) };
  }

  reset(): void {}
}
