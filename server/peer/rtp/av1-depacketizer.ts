/**
 * AV1 payload format (RTP Payload Format For AV1, aomediacodec.github.io/av1-rtp-spec, §4): aggregation header, then
 * OBU elements. Made into temporal units of the low-overhead bitstream format (AV1 specification §5.2).
 */
import { type DepacketizedFrame, type Depacketizer, joinParts, MAX_FRAME_BYTES } from './depacketizer.ts';
import type { RtpPacket } from './rtp-packet.ts';

const OBU_SEQUENCE_HEADER = 1;
const OBU_TEMPORAL_DELIMITER = 2;
const OBU_TILE_LIST = 8;
const TEMPORAL_DELIMITER = Uint8Array.of(0x12, 0x00);
const HAS_SIZE = 0x02;
const HAS_EXTENSION = 0x04;
const MAX_LEB128_BYTES = 5;

export class Av1Depacketizer implements Depacketizer {
  #obus: Uint8Array[] = [];
  #bytes = 0;
  #timestamp: number | undefined;
  #hasSequenceHeader = false;
  /** Pieces of the OBU that goes on in the next packet. */
  #fragments: Uint8Array[] = [];

  push(packet: RtpPacket): DepacketizedFrame | undefined {
    if (this.#timestamp !== packet.timestamp) {
      this.reset();
      this.#timestamp = packet.timestamp;
    }
    if (!this.#append(packet.payload) || this.#bytes > MAX_FRAME_BYTES) {
      this.reset();
      return undefined;
    }
    if (!packet.marker || this.#fragments.length > 0 || this.#obus.length === 0) return undefined;
    const type = this.#hasSequenceHeader ? 'key' : 'delta';
    const data = joinParts([TEMPORAL_DELIMITER, ...this.#obus], TEMPORAL_DELIMITER.length + this.#bytes);
    this.reset();
    return { type, data };
  }

  reset(): void {
    this.#obus = [];
    this.#bytes = 0;
    this.#timestamp = undefined;
    this.#hasSequenceHeader = false;
    this.#fragments = [];
  }

  /** @returns false when the payload is malformed, or goes on with an OBU whose beginning is missing. */
  #append(payload: Uint8Array): boolean {
    const header = payload[0] ?? 0;
    const continues = (header & 0x80) !== 0;
    const isContinued = (header & 0x40) !== 0;
    const elements = splitElements(payload.subarray(1), (header >> 4) & 0x03);
    if (elements === undefined || continues !== this.#fragments.length > 0) return false;
    return elements.every((element, index) => {
      this.#fragments.push(element);
      if (isContinued && index === elements.length - 1) return true;
      const fragments = this.#fragments;
      this.#fragments = [];
      return this.#appendObu(
        joinParts(
          fragments,
          fragments.reduce((sum, { length }) => sum + length, 0),
        ),
      );
    });
  }

  #appendObu(obu: Uint8Array): boolean {
    const header = obu[0] as number;
    const headerBytes = (header & HAS_EXTENSION) === 0 ? 1 : 2;
    if (obu.length < headerBytes) return false;
    const type = (header >> 3) & 0x0f;
    if (type === OBU_TEMPORAL_DELIMITER || type === OBU_TILE_LIST) return true;
    if (type === OBU_SEQUENCE_HEADER) this.#hasSequenceHeader = true;
    const sized = (header & HAS_SIZE) !== 0 ? obu : withSize(obu, headerBytes);
    this.#obus.push(sized);
    this.#bytes += sized.length;
    return true;
  }
}

/** @param count elements in the payload, the last without a length; 0 when each has one. */
function splitElements(payload: Uint8Array, count: number): Uint8Array[] | undefined {
  const elements: Uint8Array[] = [];
  for (let offset = 0; offset < payload.length; ) {
    if (count > 0 && elements.length === count - 1) {
      elements.push(payload.subarray(offset));
      break;
    }
    const length = readLeb128(payload, offset);
    if (length === undefined) return undefined;
    offset += length.bytes;
    if (length.value === 0 || offset + length.value > payload.length) return undefined;
    elements.push(payload.subarray(offset, offset + length.value));
    offset += length.value;
  }
  return elements.length === 0 || (count > 0 && elements.length !== count) ? undefined : elements;
}

/** AV1 specification §4.10.5. */
function readLeb128(bytes: Uint8Array, offset: number): { value: number; bytes: number } | undefined {
  let value = 0;
  for (let index = 0; index < MAX_LEB128_BYTES; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if ((byte & 0x80) === 0) return { value, bytes: index + 1 };
  }
  return undefined;
}

function withSize(obu: Uint8Array, headerBytes: number): Uint8Array {
  const size: number[] = [];
  for (let rest = obu.length - headerBytes; ; rest >>>= 7) {
    size.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  const sized = new Uint8Array(obu.length + size.length);
  sized.set(obu.subarray(0, headerBytes));
  sized[0] = (obu[0] as number) | HAS_SIZE;
  sized.set(size, headerBytes);
  sized.set(obu.subarray(headerBytes), headerBytes + size.length);
  return sized;
}
