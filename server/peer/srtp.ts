/** SRTP and SRTCP (RFC 3711): which packets are authentic and new. */
import { serialDistance16 } from '../../shared/clock.ts';
import {
  type Cipher,
  createCiphers,
  ENCRYPTED_FLAG,
  RTCP_HEADER_BYTES,
  SRTCP_INDEX_BYTES,
  type SrtpProfile,
} from './srtp-cipher.ts';

const RTP_HEADER_BYTES = 12;
/** Packets that may be overtaken before they count as replayed, RFC 3711 §3.3.2 asks for 64 or more. */
const REPLAY_WINDOW = 1024;
/** SSRCs of one association; authentic packets of more are refused. */
const MAX_SSRCS = 128;

/** One direction, from the remote's packets to plain ones. */
export class SrtpReceiver {
  readonly #rtp: Cipher;
  readonly #rtcp: Cipher;
  readonly #streams = new Map<number, PacketIndex>();
  /** By SSRC: each counts for itself (RFC 3711 §3.2.3). */
  readonly #newestRtcpIndex = new Map<number, number>();

  constructor(profile: SrtpProfile, masterKey: Uint8Array, masterSalt: Uint8Array) {
    [this.#rtp, this.#rtcp] = createCiphers(profile, masterKey, masterSalt);
  }

  /**
   * Decrypts in place.
   * @returns the RTP packet, a view into `datagram`; undefined when it is damaged, replayed or not authentic.
   */
  openRtp(datagram: Uint8Array): Uint8Array | undefined {
    const end = datagram.length - this.#rtp.tagBytes;
    const view = viewOf(datagram);
    const start = rtpHeaderBytes(view, end);
    if (start === undefined) return undefined;
    const ssrc = view.getUint32(8);
    const known = this.#streams.get(ssrc);
    if (known === undefined && this.#streams.size >= MAX_SSRCS) return undefined;
    const sequenceNumber = view.getUint16(2);
    const index = known?.guess(sequenceNumber) ?? sequenceNumber;
    if (index < 0 || known?.isReplayed(index)) return undefined;

    const packet = datagram.subarray(0, end);
    const trailer = Math.floor(index / 0x1_0000);
    if (!this.#rtp.openRtp({ packet, start, trailer, tag: datagram.subarray(end), ssrc, index })) return undefined;
    // Made and moved only now, so that nobody but the peer can.
    const stream = known ?? new PacketIndex(index);
    this.#streams.set(ssrc, stream);
    stream.accept(index);
    return packet;
  }

  /**
   * Decrypts in place.
   * @returns the compound RTCP packet, a view into `datagram`; undefined when it is damaged, not encrypted, not newer than the
   *   one before of the same SSRC, or not authentic.
   */
  openRtcp(datagram: Uint8Array): Uint8Array | undefined {
    const { tagBytes, indexAfterTag } = this.#rtcp;
    const plainBytes = datagram.length - tagBytes - SRTCP_INDEX_BYTES;
    if (plainBytes < RTCP_HEADER_BYTES) return undefined;
    const view = viewOf(datagram);
    const trailer = view.getUint32(plainBytes + (indexAfterTag ? tagBytes : 0));
    const index = trailer & 0x7fff_ffff;
    const ssrc = view.getUint32(4);
    const newest = this.#newestRtcpIndex.get(ssrc);
    if (trailer < ENCRYPTED_FLAG || index <= (newest ?? -1)) return undefined;
    if (newest === undefined && this.#newestRtcpIndex.size >= MAX_SSRCS) return undefined;
    const packet = datagram.subarray(0, plainBytes);
    const tagStart = plainBytes + (indexAfterTag ? 0 : SRTCP_INDEX_BYTES);
    const tag = datagram.subarray(tagStart, tagStart + tagBytes);
    if (!this.#rtcp.openRtcp({ packet, start: RTCP_HEADER_BYTES, trailer, tag, ssrc, index })) return undefined;
    this.#newestRtcpIndex.set(ssrc, index);
    return packet;
  }
}

/** The other direction, of which we use RTCP alone. */
export class SrtcpSender {
  readonly #cipher: Cipher;
  #index = 0;

  constructor(profile: SrtpProfile, masterKey: Uint8Array, masterSalt: Uint8Array) {
    this.#cipher = createCiphers(profile, masterKey, masterSalt)[1];
  }

  /** @param packet compound RTCP packet, at least 8 bytes. */
  seal(packet: Uint8Array): Buffer {
    const index = this.#index;
    this.#index = (index + 1) % ENCRYPTED_FLAG;
    return this.#cipher.sealRtcp(packet, viewOf(packet).getUint32(4), index);
  }
}

/** Sequence numbers of one SSRC to packet indices (RFC 3711 §3.3.1), and which of them have been (§3.3.2). */
class PacketIndex {
  #newest: number;
  readonly #seen = new Float64Array(REPLAY_WINDOW).fill(-1);

  constructor(first: number) {
    this.#newest = first;
  }

  /** @returns the index nearest to the newest one; negative when that would lie before the stream's beginning. */
  guess(sequenceNumber: number): number {
    return this.#newest + serialDistance16(sequenceNumber, this.#newest & 0xffff);
  }

  isReplayed(index: number): boolean {
    return index <= this.#newest - REPLAY_WINDOW || this.#seen[index % REPLAY_WINDOW] === index;
  }

  accept(index: number): void {
    this.#newest = Math.max(this.#newest, index);
    this.#seen[index % REPLAY_WINDOW] = index;
  }
}

/** Fixed header, CSRCs and header extension. @returns undefined when they do not end before `end`. */
function rtpHeaderBytes(view: DataView, end: number): number | undefined {
  if (end < RTP_HEADER_BYTES) return undefined;
  const first = view.getUint8(0);
  let bytes = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (bytes + 4 > end) return undefined;
    bytes += 4 + view.getUint16(bytes + 2) * 4;
  }
  return bytes <= end ? bytes : undefined;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
