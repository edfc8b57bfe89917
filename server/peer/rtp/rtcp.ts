/** RTCP packet types (RFC 3550 §12.1, RFC 4585 §6.1) and the splitting of compound packets. */

export const RTCP_SENDER_REPORT = 200;
export const RTCP_RECEIVER_REPORT = 201;
export const RTCP_TRANSPORT_FEEDBACK = 205;
export const RTCP_PAYLOAD_FEEDBACK = 206;

const RTCP_VERSION = 2;
const HEADER_BYTES = 4;

export interface RtcpPacket {
  readonly packetType: number;
  /** Report count or feedback message type: the five bits after the version and padding. */
  readonly count: number;
  /** The whole packet, header included. A view into the received bytes. */
  readonly bytes: Uint8Array;
}

/**
 * Splits a compound packet (RFC 3550 §6.1).
 * @returns its packets; those before the first malformed one when it is damaged.
 */
export function parseRtcp(compound: Uint8Array): RtcpPacket[] {
  const packets: RtcpPacket[] = [];
  const view = new DataView(compound.buffer, compound.byteOffset, compound.byteLength);
  for (let offset = 0; offset + HEADER_BYTES <= compound.length; ) {
    const first = view.getUint8(offset);
    const length = (view.getUint16(offset + 2) + 1) * 4;
    if (first >> 6 !== RTCP_VERSION || offset + length > compound.length) break;
    packets.push({
      packetType: view.getUint8(offset + 1),
      count: first & 0x1f,
      bytes: compound.subarray(offset, offset + length),
    });
    offset += length;
  }
  return packets;
}

/**
 * Writes the common header (RFC 3550 §6.1) and the sender's SSRC into the first 8 bytes.
 * @param view the packet; its length is a multiple of 4 and goes into the header.
 */
export function writeRtcpHeader(view: DataView, packetType: number, count: number, senderSsrc: number): void {
  view.setUint8(0, (RTCP_VERSION << 6) | count);
  view.setUint8(1, packetType);
  view.setUint16(2, view.byteLength / 4 - 1);
  view.setUint32(4, senderSsrc);
}
