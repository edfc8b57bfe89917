/** RTP packets as they come off the wire (RFC 3550 §5.1) and their header extensions (RFC 8285). */

export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  /** 16 bits. */
  readonly sequenceNumber: number;
  /** 32 bits, in the clock rate of the payload type. */
  readonly timestamp: number;
  readonly ssrc: number;
  /** Payload without padding; empty in a packet that only probes the path. A view into the received bytes. */
  readonly payload: Uint8Array;
  /** 16-bit "defined by profile" of the header extension; 0 without one. */
  readonly extensionProfile: number;
  readonly extensionData: Uint8Array;
  /** `performance.now()` at arrival, ms. */
  readonly arrivalMs: number;
}

const FIXED_HEADER_BYTES = 12;
const RTP_VERSION = 2;
const ONE_BYTE_PROFILE = 0xbede;
const TWO_BYTE_PROFILE = 0x1000;
const NOTHING = new Uint8Array(0);

/**
 * @param bytes one datagram, decrypted. The packet keeps views into it.
 * @param arrivalMs `performance.now()` at arrival.
 * @returns undefined when the bytes are not an RTP packet.
 */
export function parseRtpPacket(bytes: Uint8Array, arrivalMs: number): RtpPacket | undefined {
  if (bytes.length < FIXED_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  if (first >> 6 !== RTP_VERSION) return undefined;
  const second = view.getUint8(1);

  let offset = FIXED_HEADER_BYTES + (first & 0x0f) * 4;
  let extensionProfile = 0;
  let extensionData: Uint8Array = NOTHING;
  if ((first & 0x10) !== 0) {
    if (offset + 4 > bytes.length) return undefined;
    const extensionBytes = view.getUint16(offset + 2) * 4;
    extensionProfile = view.getUint16(offset);
    extensionData = bytes.subarray(offset + 4, offset + 4 + extensionBytes);
    offset += 4 + extensionBytes;
  }
  const paddingBytes = (first & 0x20) !== 0 ? view.getUint8(bytes.length - 1) : 0;
  const end = bytes.length - paddingBytes;
  if (offset > end) return undefined;

  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequenceNumber: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payload: bytes.subarray(offset, end),
    extensionProfile,
    extensionData,
    arrivalMs,
  };
}

/**
 * One element of the header extension, in the one-byte or two-byte form (RFC 8285 §4.2, §4.3).
 * @param id local identifier from the negotiated `extmap`; undefined when the extension was not negotiated.
 * @returns the element's data, or undefined when it is absent or cut short.
 */
export function findExtension(packet: RtpPacket, id: number | undefined): Uint8Array | undefined {
  if (id === undefined) return undefined;
  const data = packet.extensionData;
  const oneByte = packet.extensionProfile === ONE_BYTE_PROFILE;
  if (!oneByte && (packet.extensionProfile & 0xfff0) !== TWO_BYTE_PROFILE) return undefined;

  for (let offset = 0; offset < data.length; ) {
    const first = data[offset] as number;
    if (first === 0) {
      offset += 1;
      continue;
    }
    let elementId = first;
    let length: number;
    if (oneByte) {
      elementId = first >> 4;
      // Identifier 15 is reserved and ends the processing (RFC 8285 §4.2).
      if (elementId === 15) return undefined;
      length = (first & 0x0f) + 1;
      offset += 1;
    } else {
      if (offset + 1 >= data.length) return undefined;
      length = data[offset + 1] as number;
      offset += 2;
    }
    if (offset + length > data.length) return undefined;
    if (elementId === id) return data.subarray(offset, offset + length);
    offset += length;
  }
  return undefined;
}
