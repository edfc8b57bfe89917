/** RTP packets for tests, written byte by byte from RFC 3550 §5.1, RFC 8285 §4.2 and RFC 7741 §4.2. */
import { parseRtpPacket, type RtpPacket } from './rtp-packet.ts';

export interface RtpFields {
  readonly payloadType?: number;
  readonly marker?: boolean;
  readonly sequenceNumber?: number;
  readonly timestamp?: number;
  readonly ssrc?: number;
  readonly payload?: Uint8Array;
  /** One-byte header extension elements, 1 to 16 bytes each. */
  readonly extensions?: readonly (readonly [id: number, data: Uint8Array])[];
}

/** @returns the bytes of one packet; sequence number and timestamp are taken modulo their ranges. */
export function writeRtp(fields: RtpFields): Uint8Array {
  const { payloadType = 96, marker = false, sequenceNumber = 0, timestamp = 0, ssrc = 0x1234 } = fields;
  const { payload = new Uint8Array(0), extensions = [] } = fields;
  const elements = extensions.flatMap(([id, data]) => [(id << 4) | (data.length - 1), ...data]);
  while (elements.length % 4 !== 0) elements.push(0);
  const extensionBytes = extensions.length === 0 ? 0 : 4 + elements.length;

  const bytes = new Uint8Array(12 + extensionBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x80 | (extensions.length === 0 ? 0 : 0x10));
  view.setUint8(1, (marker ? 0x80 : 0) | payloadType);
  view.setUint16(2, sequenceNumber);
  view.setUint32(4, timestamp);
  view.setUint32(8, ssrc);
  if (extensions.length > 0) {
    view.setUint16(12, 0xbede);
    view.setUint16(14, elements.length / 4);
    bytes.set(elements, 16);
  }
  bytes.set(payload, 12 + extensionBytes);
  return bytes;
}

/** The parsed packet of `writeRtp`. */
export function rtpPacket(fields: RtpFields, arrivalMs = 0): RtpPacket {
  return parseRtpPacket(writeRtp(fields), arrivalMs) as RtpPacket;
}

/** A VP8 frame of `bytes` bytes: an RFC 6386 §9.1 frame tag, then `fill`. At least 10 bytes. */
export function vp8Frame(type: 'key' | 'delta', bytes: number, fill: number): Uint8Array {
  const frame = new Uint8Array(bytes).fill(fill);
  frame.set(type === 'key' ? [0x10, 0, 0, 0x9d, 0x01, 0x2a] : [0x11, 0, 0]);
  return frame;
}

/** Splits a VP8 frame into the packets that carry it, one-byte payload descriptors. */
export function vp8Packets(
  frame: Uint8Array,
  first: { readonly sequenceNumber: number; readonly timestamp: number; readonly ssrc?: number },
  maxPartBytes = 1000,
): RtpFields[] {
  const count = Math.ceil(frame.length / maxPartBytes);
  return Array.from({ length: count }, (_, index) => {
    const part = frame.subarray(index * maxPartBytes, (index + 1) * maxPartBytes);
    return {
      ...first,
      sequenceNumber: (first.sequenceNumber + index) & 0xffff,
      timestamp: first.timestamp >>> 0,
      marker: index === count - 1,
      payload: Uint8Array.of(index === 0 ? 0x10 : 0x00, ...part),
    };
  });
}
