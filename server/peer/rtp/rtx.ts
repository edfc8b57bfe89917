/** Retransmission payload format (RFC 4588 §4). */
import type { RtpPacket } from './rtp-packet.ts';

const ORIGINAL_SEQUENCE_NUMBER_BYTES = 2;

/**
 * @param ssrc SSRC of the stream the packet was first sent on.
 * @param payloadType payload type of that stream, from the `apt` parameter.
 * @returns the packet as first sent; undefined when it only carries padding.
 */
export function unwrapRtx(packet: RtpPacket, ssrc: number, payloadType: number): RtpPacket | undefined {
  const { payload } = packet;
  if (payload.length < ORIGINAL_SEQUENCE_NUMBER_BYTES) return undefined;
  return {
    ...packet,
    ssrc,
    payloadType,
    sequenceNumber: ((payload[0] as number) << 8) | (payload[1] as number),
    payload: payload.subarray(ORIGINAL_SEQUENCE_NUMBER_BYTES),
  };
}
