/** Takes one stream's RTP payloads, in order, back to whole frames. One implementation a codec. */
import type { RtpPacket } from './rtp-packet.ts';

export interface DepacketizedFrame {
  readonly type: 'key' | 'delta';
  /** Bitstream of the whole frame, in a buffer of its own. */
  readonly data: Uint8Array;
}

export interface Depacketizer {
  /**
   * @param packet the next in sequence; its payload is not empty.
   * @returns the frame this packet completes, if it does. A malformed payload completes nothing.
   */
  push(packet: RtpPacket): DepacketizedFrame | undefined;
  /** Packets are missing before the next one: forgets the frame in progress. */
  reset(): void;
}

/** Largest frame assembled, bytes: a 4K key frame fits; a sender that never ends its frame does not grow memory. */
export const MAX_FRAME_BYTES = 8 * 1024 * 1024;

/** Joins the parts of a frame into one new buffer. */
export function joinParts(parts: readonly Uint8Array[], totalBytes: number): Uint8Array {
  const joined = new Uint8Array(totalBytes);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
