/** Time units and wrapping counters used on the wire. Pure functions; browser and Node. */

/** RTP clock rate of every video codec, Hz (RFC 3551 §5). */
export const VIDEO_CLOCK_RATE_HZ = 90_000;

/** Milliseconds between the NTP epoch (1900-01-01) and the Unix epoch (1970-01-01), RFC 5905 §6. */
export const NTP_EPOCH_OFFSET_MS = 2_208_988_800_000;

const TWO_32 = 2 ** 32;

/**
 * Signed distance `a - b` between two 16-bit serial numbers (RFC 1982 §3.2).
 * @returns an integer in [-32768, 32767]; positive when `a` is newer.
 */
export function serialDistance16(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/**
 * Signed distance `a - b` between two 32-bit serial numbers (RFC 1982 §3.2).
 * @returns an integer in [-2^31, 2^31 - 1]; positive when `a` is newer.
 */
export function serialDistance32(a: number, b: number): number {
  return (a - b) | 0;
}

/** True when the 16-bit serial number `a` is newer than `b`. */
export function isNewer16(a: number, b: number): boolean {
  return serialDistance16(a, b) > 0;
}

/** True when the 32-bit serial number `a` is newer than `b`. */
export function isNewer32(a: number, b: number): boolean {
  return serialDistance32(a, b) > 0;
}

/** Follows a wrapping counter of `bits` bits into an ever-growing integer; the nearest continuation wins. */
export class SerialUnwrapper {
  readonly #distance: (a: number, b: number) => number;
  readonly #modulus: number;
  #last: number | undefined;

  constructor(bits: 16 | 32) {
    this.#distance = bits === 16 ? serialDistance16 : serialDistance32;
    this.#modulus = 2 ** bits;
  }

  /**
   * @param value counter value in [0, 2^bits).
   * @returns the unwrapped value; within half the counter's range of the newest one seen.
   */
  unwrap(value: number): number {
    if (this.#last === undefined) {
      this.#last = value;
      return value;
    }
    const wrapped = ((this.#last % this.#modulus) + this.#modulus) % this.#modulus;
    const unwrapped = this.#last + this.#distance(value, wrapped);
    if (unwrapped > this.#last) this.#last = unwrapped;
    return unwrapped;
  }
}

/**
 * 64-bit NTP timestamp, split into its two words, to milliseconds since the Unix epoch (RFC 3550 §4).
 * @param seconds unsigned 32-bit seconds since 1900.
 * @param fraction unsigned 32-bit binary fraction of a second.
 */
export function ntpToUnixMs(seconds: number, fraction: number): number {
  return seconds * 1000 + (fraction * 1000) / TWO_32 - NTP_EPOCH_OFFSET_MS;
}

/** Milliseconds since the Unix epoch to the two 32-bit words of an NTP timestamp (RFC 3550 §4). */
export function unixMsToNtp(unixMs: number): { seconds: number; fraction: number } {
  const ntpMs = unixMs + NTP_EPOCH_OFFSET_MS;
  const seconds = Math.floor(ntpMs / 1000);
  return {
    seconds: seconds >>> 0,
    fraction: Math.min(TWO_32 - 1, Math.round(((ntpMs - seconds * 1000) / 1000) * TWO_32)),
  };
}
