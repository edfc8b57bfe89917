/** VP9 payload format (RFC 9628 §4.2), flexible mode and not. Of spatial layers the base alone is taken. */
import { type DepacketizedFrame, type Depacketizer, joinParts, MAX_FRAME_BYTES } from './depacketizer.ts';
import type { RtpPacket } from './rtp-packet.ts';

export interface Vp9PayloadDescriptor {
  readonly startsFrame: boolean;
  readonly endsFrame: boolean;
  /** The frame refers to earlier ones. */
  readonly interPredicted: boolean;
  readonly spatialLayer: number;
  /** Bytes before the VP9 data. */
  readonly length: number;
}

/** Reference indices of flexible mode: at most three, each saying whether another follows. */
const MAX_REFERENCES = 3;

/** @returns undefined when the payload ends inside the descriptor or carries nothing after it. */
export function parseVp9Descriptor(payload: Uint8Array): Vp9PayloadDescriptor | undefined {
  let offset = 0;
  const next = (): number => payload[offset++] ?? 0;
  const first = next();
  const has = (bit: number): boolean => (first & bit) !== 0;
  const [pictureId, interPredicted, layers, flexible] = [has(0x80), has(0x40), has(0x20), has(0x10)];
  if (pictureId && (next() & 0x80) !== 0) next();
  let spatialLayer = 0;
  if (layers) {
    spatialLayer = (next() >> 1) & 0x07;
    if (!flexible) next();
  }
  if (flexible && interPredicted) {
    for (let reference = 0; reference < MAX_REFERENCES && (next() & 0x01) !== 0; reference++);
  }
  if (has(0x02)) skipScalabilityStructure();
  if (offset >= payload.length) return undefined;
  return { startsFrame: has(0x08), endsFrame: has(0x04), interPredicted, spatialLayer, length: offset };

  /** RFC 9628 §4.2.1. */
  function skipScalabilityStructure(): void {
    const structure = next();
    if ((structure & 0x10) !== 0) offset += ((structure >> 5) + 1) * 4;
    if ((structure & 0x08) === 0) return;
    for (let pictures = next(); pictures > 0; pictures--) {
      const references = (next() >> 2) & 0x03;
      offset += references;
    }
  }
}

export class Vp9Depacketizer implements Depacketizer {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #timestamp: number | undefined;
  #type: 'key' | 'delta' = 'delta';

  push(packet: RtpPacket): DepacketizedFrame | undefined {
    const descriptor = parseVp9Descriptor(packet.payload);
    if (descriptor === undefined) {
      this.reset();
      return undefined;
    }
    if (descriptor.spatialLayer > 0) return undefined;
    if (descriptor.startsFrame) {
      this.reset();
      this.#timestamp = packet.timestamp;
      this.#type = descriptor.interPredicted ? 'delta' : 'key';
    }
    const part = packet.payload.subarray(descriptor.length);
    if (this.#timestamp !== packet.timestamp || this.#bytes + part.length > MAX_FRAME_BYTES) {
      this.reset();
      return undefined;
    }
    this.#parts.push(part);
    this.#bytes += part.length;
    if (!descriptor.endsFrame) return undefined;

    const frame = { type: this.#type, data: joinParts(this.#parts, this.#bytes) };
    this.reset();
    return frame;
  }

  reset(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#timestamp = undefined;
  }
}
