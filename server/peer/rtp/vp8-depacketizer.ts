/** VP8 payload format (RFC 7741 §4.2): payload descriptor, then a piece of the frame of RFC 6386. */
import { type DepacketizedFrame, type Depacketizer, joinParts, MAX_FRAME_BYTES } from './depacketizer.ts';
import type { RtpPacket } from './rtp-packet.ts';

export interface Vp8PayloadDescriptor {
  /** The payload begins the frame: start of partition 0. */
  readonly startsFrame: boolean;
  /** Bytes before the VP8 data. */
  readonly length: number;
}

/** @returns undefined when the payload ends inside the descriptor or carries nothing after it. */
export function parseVp8Descriptor(payload: Uint8Array): Vp8PayloadDescriptor | undefined {
  const first = payload[0] ?? 0;
  let length = 1;
  if ((first & 0x80) !== 0) {
    const extension = payload[1] ?? 0;
    length = 2;
    if ((extension & 0x80) !== 0) length += ((payload[length] ?? 0) & 0x80) !== 0 ? 2 : 1;
    if ((extension & 0x40) !== 0) length += 1;
    if ((extension & 0x30) !== 0) length += 1;
  }
  if (length >= payload.length) return undefined;
  return { startsFrame: (first & 0x10) !== 0 && (first & 0x07) === 0, length };
}

export class Vp8Depacketizer implements Depacketizer {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #timestamp: number | undefined;

  push(packet: RtpPacket): DepacketizedFrame | undefined {
    const descriptor = parseVp8Descriptor(packet.payload);
    if (descriptor === undefined) {
      this.reset();
      return undefined;
    }
    if (descriptor.startsFrame) {
      this.reset();
      this.#timestamp = packet.timestamp;
    }
    const part = packet.payload.subarray(descriptor.length);
    if (this.#timestamp !== packet.timestamp || this.#bytes + part.length > MAX_FRAME_BYTES) {
      this.reset();
      return undefined;
    }
    this.#parts.push(part);
    this.#bytes += part.length;
    if (!packet.marker) return undefined;

    const data = joinParts(this.#parts, this.#bytes);
    this.reset();
    return { type: isKeyFrame(data) ? 'key' : 'delta', data };
  }

  reset(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#timestamp = undefined;
  }
}

/** Inverse key frame flag, then after the 3-byte tag the start code 9d 01 2a (RFC 6386 §9.1). */
function isKeyFrame(frame: Uint8Array): boolean {
  return ((frame[0] ?? 1) & 0x01) === 0 && frame[3] === 0x9d && frame[4] === 0x01 && frame[5] === 0x2a;
}
