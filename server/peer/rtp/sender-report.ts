/** RTCP sender reports, parsed (RFC 3550 §6.4.1). */
import { ntpToUnixMs } from '../../../shared/clock.ts';
import type { RtcpPacket } from './rtcp.ts';

export interface ParsedSenderReport {
  readonly ssrc: number;
  /** Sender's wall clock, ms since the Unix epoch. */
  readonly ntpMs: number;
  readonly rtpTimestamp: number;
  /** Middle 32 of the 64 NTP bits, echoed as LSR in receiver reports. */
  readonly compactNtp: number;
}

const SENDER_INFO_END = 28;

/** @returns undefined when the packet is too short. */
export function parseSenderReport(packet: RtcpPacket): ParsedSenderReport | undefined {
  const { bytes } = packet;
  if (bytes.length < SENDER_INFO_END) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    ssrc: view.getUint32(4),
    ntpMs: ntpToUnixMs(view.getUint32(8), view.getUint32(12)),
    rtpTimestamp: view.getUint32(16),
    compactNtp: view.getUint32(10),
  };
}
