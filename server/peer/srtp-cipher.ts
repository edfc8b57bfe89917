/** The transforms of SRTP: AES-CM with HMAC-SHA1-80 (RFC 3711), AEAD AES-128-GCM (RFC 7714), and how they get their keys. */
import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** Names of RFC 5764 §4.1.2 and RFC 7714 §14.2, and the lengths of their master key and salt in bytes. */
export const SRTP_PROFILES = {
  SRTP_AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12 },
  SRTP_AES128_CM_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14 },
} as const;
export type SrtpProfile = keyof typeof SRTP_PROFILES;

/** Before the encrypted part of an RTCP packet: fixed header and SSRC. */
export const RTCP_HEADER_BYTES = 8;
/** E flag and SRTCP index (RFC 3711 §3.4). */
export const SRTCP_INDEX_BYTES = 4;
export const ENCRYPTED_FLAG = 0x8000_0000;
const BLOCK_BYTES = 16;
/** More than UDP carries. */
const MAX_DATAGRAM_BYTES = 65_536;

/** What one key derivation gives (RFC 3711 §4.3): for SRTP labels 0 to 2, for SRTCP 3 to 5. */
interface SessionKeys {
  readonly encryption: Buffer;
  readonly authentication: Buffer;
  readonly salt: Buffer;
}

/** A packet to be decrypted in place. */
export interface Sealed {
  /** From the header to the end of the encrypted part, tag excluded. */
  readonly packet: Uint8Array;
  /** Where the encrypted part begins. */
  readonly start: number;
  /** What is authenticated after it: rollover counter or SRTCP index. */
  readonly trailer: number;
  readonly tag: Uint8Array;
  readonly ssrc: number;
  /** Packet index, 48 bits, or SRTCP index, 31 bits. */
  readonly index: number;
}

export interface Cipher {
  readonly tagBytes: number;
  /** The SRTCP index stands after the tag (RFC 7714 §9.2), not before it (RFC 3711 §3.4). */
  readonly indexAfterTag: boolean;
  /** Decrypts in place. @returns false, and leaves the packet as it was, when it is not authentic. */
  openRtp(sealed: Sealed): boolean;
  openRtcp(sealed: Sealed): boolean;
  /** @returns the encrypted SRTCP packet with tag and index. */
  sealRtcp(packet: Uint8Array, ssrc: number, index: number): Buffer;
}

/** AES in counter mode (RFC 3711 §4.1.1) with HMAC-SHA1 cut to 80 bits (§4.2.1). */
class AesCm implements Cipher {
  /** Of whatever packet is at hand: packets are opened one after the other. */
  static readonly #COUNTERS = Buffer.alloc(MAX_DATAGRAM_BYTES);
  readonly tagBytes = 10;
  readonly indexAfterTag = false;
  readonly #counter: CounterBlock;
  readonly #block: ReturnType<typeof createCipheriv>;
  readonly #hmac: HmacSha1;

  constructor({ encryption, authentication, salt }: SessionKeys) {
    this.#counter = new CounterBlock(salt);
    this.#hmac = new HmacSha1(authentication);
    // One cipher for all packets, fed with counters, so that no packet pays for a key schedule and an object of OpenSSL.
    this.#block = createCipheriv('aes-128-ecb', encryption, null).setAutoPadding(false);
  }

  openRtp(sealed: Sealed): boolean {
    return this.#open(sealed);
  }

  openRtcp(sealed: Sealed): boolean {
    return this.#open(sealed);
  }

  sealRtcp(packet: Uint8Array, ssrc: number, index: number): Buffer {
    const sealed = Buffer.alloc(packet.length + SRTCP_INDEX_BYTES + this.tagBytes);
    sealed.set(packet);
    this.#applyKeystream(sealed.subarray(RTCP_HEADER_BYTES, packet.length), ssrc, index);
    const trailer = (ENCRYPTED_FLAG | index) >>> 0;
    sealed.writeUInt32BE(trailer, packet.length);
    this.#hmac
      .digest(sealed.subarray(0, packet.length), trailer)
      .copy(sealed, packet.length + SRTCP_INDEX_BYTES, 0, 10);
    return sealed;
  }

  #open({ packet, start, trailer, tag, ssrc, index }: Sealed): boolean {
    const digest = this.#hmac.digest(packet, trailer);
    // Every byte is looked at, so that the time taken says nothing about where the first difference is.
    let difference = 0;
    for (let i = 0; i < this.tagBytes; i++) difference |= digest[i]! ^ tag[i]!;
    if (difference !== 0) return false;
    this.#applyKeystream(packet.subarray(start), ssrc, index);
    return true;
  }

  #applyKeystream(data: Uint8Array, ssrc: number, index: number): void {
    const counters = AesCm.#COUNTERS.subarray(0, Math.ceil(data.length / BLOCK_BYTES) * BLOCK_BYTES);
    const first = this.#counter.at(ssrc, index);
    for (let offset = 0, count = 0; offset < counters.length; offset += BLOCK_BYTES, count++) {
      counters.set(first, offset);
      counters[offset + 14] = count >> 8;
      counters[offset + 15] = count;
    }
    const keystream = this.#block.update(counters);
    for (let i = 0; i < data.length; i++) data[i]! ^= keystream[i]!;
  }
}

/** AEAD with AES-128-GCM (RFC 7714). */
class AesGcm implements Cipher {
  readonly tagBytes = 16;
  readonly indexAfterTag = true;
  readonly #key: KeyObject;
  readonly #counter: CounterBlock;

  constructor({ encryption, salt }: SessionKeys) {
    // Node would make a key object of bytes anew for every packet.
    this.#key = createSecretKey(encryption);
    this.#counter = new CounterBlock(Buffer.concat([Buffer.alloc(2), salt]));
  }

  openRtp({ packet, start, tag, ssrc, index }: Sealed): boolean {
    // RFC 7714 §8.1: two zero bytes, SSRC, packet index.
    return this.#open(packet, start, packet.subarray(0, start), tag, this.#iv(ssrc, index));
  }

  openRtcp({ packet, start, trailer, tag, ssrc, index }: Sealed): boolean {
    return this.#open(packet, start, rtcpAssociatedData(packet, trailer), tag, this.#iv(ssrc, index));
  }

  sealRtcp(packet: Uint8Array, ssrc: number, index: number): Buffer {
    const trailer = (ENCRYPTED_FLAG | index) >>> 0;
    const cipher = createCipheriv('aes-128-gcm', this.#key, this.#iv(ssrc, index));
    cipher.setAAD(rtcpAssociatedData(packet, trailer));
    const encrypted = cipher.update(packet.subarray(RTCP_HEADER_BYTES));
    cipher.final();
    const end = Buffer.alloc(SRTCP_INDEX_BYTES);
    end.writeUInt32BE(trailer);
    return Buffer.concat([packet.subarray(0, RTCP_HEADER_BYTES), encrypted, cipher.getAuthTag(), end]);
  }

  #open(packet: Uint8Array, start: number, associated: Uint8Array, tag: Uint8Array, iv: Buffer): boolean {
    const cipher = createDecipheriv('aes-128-gcm', this.#key, iv, { authTagLength: 16 });
    cipher.setAAD(associated);
    cipher.setAuthTag(tag);
    const plain = cipher.update(packet.subarray(start));
    try {
      cipher.final();
    } catch {
      return false;
    }
    packet.set(plain, start);
    return true;
  }

  /** RFC 7714 §8.1 and §9.1: two zero bytes, SSRC, six bytes of index, all XOR the salt. */
  #iv(ssrc: number, index: number): Buffer {
    return this.#counter.at(ssrc, index).subarray(2, 14);
  }
}

/** HMAC (RFC 2104) by two whole hashes: in a server's profile a third of Node's Hmac, an object that is made anew for every packet. */
class HmacSha1 {
  static readonly #BLOCK_BYTES = 64;
  static readonly #MESSAGE = Buffer.alloc(HmacSha1.#BLOCK_BYTES + MAX_DATAGRAM_BYTES);
  readonly #inner = Buffer.alloc(HmacSha1.#BLOCK_BYTES, 0x36);
  readonly #outer = Buffer.alloc(HmacSha1.#BLOCK_BYTES + 20, 0x5c);

  constructor(key: Uint8Array) {
    for (const [i, byte] of key.entries()) {
      this.#inner[i]! ^= byte;
      this.#outer[i]! ^= byte;
    }
  }

  /** @returns 20 bytes, of the message followed by 32 bits. */
  digest(message: Uint8Array, trailer: number): Buffer {
    const whole = HmacSha1.#MESSAGE;
    const end = HmacSha1.#BLOCK_BYTES + message.length;
    whole.set(this.#inner);
    whole.set(message, HmacSha1.#BLOCK_BYTES);
    whole.writeUInt32BE(trailer, end);
    this.#outer.set(hash('sha1', whole.subarray(0, end + 4), 'buffer'), HmacSha1.#BLOCK_BYTES);
    return hash('sha1', this.#outer, 'buffer');
  }
}

/** @returns that of SRTP and that of SRTCP. */
export function createCiphers(profile: SrtpProfile, masterKey: Uint8Array, masterSalt: Uint8Array): [Cipher, Cipher] {
  const Transform = profile === 'SRTP_AEAD_AES_128_GCM' ? AesGcm : AesCm;
  const { saltBytes } = SRTP_PROFILES[profile];
  const keys = (label: number): SessionKeys => ({
    encryption: deriveKey(masterKey, masterSalt, label, 16),
    authentication: deriveKey(masterKey, masterSalt, label + 1, 20),
    salt: deriveKey(masterKey, masterSalt, label + 2, saltBytes),
  });
  return [new Transform(keys(0)), new Transform(keys(3))];
}

/** RFC 3711 §4.3.1 with a key derivation rate of zero; a salt of 12 bytes is followed by zeros (RFC 7714 §11). */
function deriveKey(masterKey: Uint8Array, masterSalt: Uint8Array, label: number, bytes: number): Buffer {
  const counter = Buffer.alloc(BLOCK_BYTES);
  counter.set(masterSalt);
  counter[7]! ^= label;
  return createCipheriv('aes-128-ctr', masterKey, counter).update(Buffer.alloc(bytes));
}

/** (salt << 16) XOR (SSRC << 64) XOR (index << 16), RFC 3711 §4.1.1. */
class CounterBlock {
  readonly #salt: Buffer;
  readonly #block = Buffer.alloc(BLOCK_BYTES);

  /** @param salt 14 bytes. */
  constructor(salt: Buffer) {
    this.#salt = salt;
  }

  /** @returns 16 bytes, valid until the next call. */
  at(ssrc: number, index: number): Buffer {
    const block = this.#block;
    block.fill(0);
    block.writeUInt32BE(ssrc, 4);
    block.writeUIntBE(index, 8, 6);
    for (let i = 0; i < this.#salt.length; i++) block[i]! ^= this.#salt[i]!;
    return block;
  }
}

/** RFC 7714 §9.2: the header and the index word. */
function rtcpAssociatedData(packet: Uint8Array, trailer: number): Buffer {
  const data = Buffer.alloc(RTCP_HEADER_BYTES + SRTCP_INDEX_BYTES);
  data.set(packet.subarray(0, RTCP_HEADER_BYTES));
  data.writeUInt32BE(trailer, RTCP_HEADER_BYTES);
  return data;
}
