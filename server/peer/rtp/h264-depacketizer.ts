/** H.264 payload format (RFC 6184), packetization modes 0 and 1: single NAL units, STAP-A and FU-A. */
import { type DepacketizedFrame, type Depacketizer, joinParts, MAX_FRAME_BYTES } from './depacketizer.ts';
import type { RtpPacket } from './rtp-packet.ts';

const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_PPS = 8;
const NAL_SINGLE_MAX = 23;
const NAL_STAP_A = 24;
const NAL_FU_A = 28;
const START_CODE = Uint8Array.of(0, 0, 0, 1);

/** Assembles access units in Annex B form, each NAL unit behind a four-byte start code. */
export class H264Depacketizer implements Depacketizer {
  /** Parameter sets by NAL type as last seen, in band or from `sprop-parameter-sets`; put before an IDR that lacks them. */
  readonly #parameterSets = new Map<number, Uint8Array>();
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #timestamp: number | undefined;
  #nalTypes = new Set<number>();
  #fragmentOpen = false;

  /** @param parameterSets NAL units of `sprop-parameter-sets` (RFC 6184 §8.1), without start codes. */
  constructor(parameterSets: readonly Uint8Array[] = []) {
    for (const unit of parameterSets) this.#keepParameterSet(unit);
  }

  push(packet: RtpPacket): DepacketizedFrame | undefined {
    if (this.#timestamp !== packet.timestamp) {
      this.reset();
      this.#timestamp = packet.timestamp;
    }
    if (!this.#append(packet.payload) || this.#bytes > MAX_FRAME_BYTES) {
      this.reset();
      return undefined;
    }
    if (!packet.marker || this.#fragmentOpen || this.#parts.length === 0) return undefined;

    const idr = this.#nalTypes.has(NAL_IDR);
    if (idr) this.#prependMissingParameterSets();
    const data = joinParts(this.#parts, this.#bytes);
    const decodable = this.#nalTypes.has(NAL_SPS) && this.#nalTypes.has(NAL_PPS);
    this.reset();
    return { type: idr && decodable ? 'key' : 'delta', data };
  }

  reset(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#timestamp = undefined;
    this.#nalTypes = new Set();
    this.#fragmentOpen = false;
  }

  /** @returns false when the payload is malformed or of a kind that was not negotiated. */
  #append(payload: Uint8Array): boolean {
    const type = (payload[0] ?? 0) & 0x1f;
    if (type >= 1 && type <= NAL_SINGLE_MAX) {
      this.#appendUnit(payload);
      return true;
    }
    if (type === NAL_STAP_A) return this.#appendAggregate(payload);
    if (type === NAL_FU_A) return this.#appendFragment(payload);
    return false;
  }

  /** RFC 6184 §5.7.1. */
  #appendAggregate(payload: Uint8Array): boolean {
    for (let offset = 1; offset < payload.length; ) {
      if (offset + 2 > payload.length) return false;
      const size = ((payload[offset] as number) << 8) | (payload[offset + 1] as number);
      offset += 2;
      if (size === 0 || offset + size > payload.length) return false;
      this.#appendUnit(payload.subarray(offset, offset + size));
      offset += size;
    }
    return true;
  }

  /** RFC 6184 §5.8. */
  #appendFragment(payload: Uint8Array): boolean {
    if (payload.length < 3) return false;
    const indicator = payload[0] as number;
    const header = payload[1] as number;
    const starts = (header & 0x80) !== 0;
    if (starts) {
      const type = header & 0x1f;
      this.#nalTypes.add(type);
      this.#appendPart(START_CODE);
      this.#appendPart(Uint8Array.of((indicator & 0xe0) | type));
    } else if (!this.#fragmentOpen) {
      return false;
    }
    this.#appendPart(payload.subarray(2));
    this.#fragmentOpen = (header & 0x40) === 0;
    return true;
  }

  #appendUnit(unit: Uint8Array): void {
    this.#nalTypes.add((unit[0] as number) & 0x1f);
    this.#keepParameterSet(unit);
    this.#appendPart(START_CODE);
    this.#appendPart(unit);
  }

  #appendPart(part: Uint8Array): void {
    this.#parts.push(part);
    this.#bytes += part.length;
  }

  #keepParameterSet(unit: Uint8Array): void {
    const type = (unit[0] ?? 0) & 0x1f;
    if (type === NAL_SPS || type === NAL_PPS) this.#parameterSets.set(type, new Uint8Array(unit));
  }

  #prependMissingParameterSets(): void {
    for (const type of [NAL_PPS, NAL_SPS]) {
      const unit = this.#parameterSets.get(type);
      if (unit === undefined || this.#nalTypes.has(type)) continue;
      this.#nalTypes.add(type);
      this.#parts.unshift(START_CODE, unit);
      this.#bytes += START_CODE.length + unit.length;
    }
  }
}
