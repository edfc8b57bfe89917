/** RTP payload formats, the sending side: an encoded frame to the payloads of its packets. */
import type { EncodedPacket } from '../shared/encoded-media.ts';

/** 1200 bytes that pass anywhere, less headers, extensions and authentication. */
const MAX_PAYLOAD_BYTES = 1100;
/** X, N, R and PID of the descriptor are 0; S marks the start of the frame (RFC 7741 §4.2). */
const VP8_START = 0x10;
const NAL_FU_A = 28;
const NAL_TYPE = 0x1f;
/** Of the FU header (RFC 6184 §5.8). */
const [FU_START, FU_END] = [0x80, 0x40];

/** @returns payloads in order; the last packet has the marker. */
export function payloadsOf(
  { kind, data }: Pick<EncodedPacket, 'kind' | 'data'>,
  videoCodec: 'VP8' | 'H264',
): Uint8Array[] {
  if (kind === 'audio') return [data];
  return videoCodec === 'VP8' ? vp8Payloads(data) : nalUnits(data).flatMap(h264Payloads);
}

/** RFC 7741 §4. */
function vp8Payloads(frame: Uint8Array): Uint8Array[] {
  return pieces(frame, MAX_PAYLOAD_BYTES - 1).map((piece, i) => join(Uint8Array.of(i === 0 ? VP8_START : 0), piece));
}

/** One NAL unit: a packet of its own (RFC 6184 §5.6), or fragments (FU-A, §5.8). */
function h264Payloads(unit: Uint8Array): Uint8Array[] {
  if (unit.length <= MAX_PAYLOAD_BYTES) return [unit];
  const header = unit[0]!;
  const fragments = pieces(unit.subarray(1), MAX_PAYLOAD_BYTES - 2);
  return fragments.map((fragment, i) => {
    const place = (i === 0 ? FU_START : 0) | (i === fragments.length - 1 ? FU_END : 0);
    return join(Uint8Array.of((header & ~NAL_TYPE) | NAL_FU_A, place | (header & NAL_TYPE)), fragment);
  });
}

/** NAL units of an access unit in Annex B form, without their start codes. */
function nalUnits(annexB: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  for (let i = 0; i + 2 < annexB.length; i++) {
    if (annexB[i] === 0 && annexB[i + 1] === 0 && annexB[i + 2] === 1) starts.push(i + 3);
  }
  return starts
    .map((start, i) => {
      let end = i + 1 < starts.length ? starts[i + 1]! - 3 : annexB.length;
      // Zeros before a start code are padding (ISO/IEC 14496-10 Annex B); no NAL unit ends in one.
      while (end > start && annexB[end - 1] === 0) end--;
      return annexB.subarray(start, end);
    })
    .filter((unit) => unit.length > 0);
}

/** Of nearly the same length, so that none is small beside the rest. */
function pieces(data: Uint8Array, most: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(data.length / most));
  const size = Math.ceil(data.length / count);
  return Array.from({ length: count }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

function join(header: Uint8Array, rest: Uint8Array): Uint8Array {
  const joined = new Uint8Array(header.length + rest.length);
  joined.set(header);
  joined.set(rest, header.length);
  return joined;
}
