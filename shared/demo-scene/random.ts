/** Full turn in radians. */
export const TAU = 2 * Math.PI;

/** Mixes two 32-bit integers into one evenly spread unsigned 32-bit integer (the finaliser of MurmurHash3). */
export function hash(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A value in [0, 1) that depends on the two integers alone. */
export function fraction(a: number, b: number): number {
  return hash(a, b) / 4294967296;
}

/** A sequence of random numbers that is the same for the same seed in every JavaScript engine. */
export class Random {
  readonly #seed: number;
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#count += 1;
    return fraction(this.#seed, this.#count);
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** True with the given probability in [0, 1]. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(items.length)];
    if (item === undefined) throw new RangeError('pick needs at least one item');
    return item;
  }

  /** A new array of the items in random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const order = items.slice();
    for (let i = order.length - 1; i > 0; i -= 1) {
      const j = this.integer(i + 1);
      const kept = order[i] as T;
      order[i] = order[j] as T;
      order[j] = kept;
    }
    return order;
  }
}

/** Smooth random wave in [-1, 1]: hashed values at `rateHz` points a second, joined by smoothstep. Pure in `timeS`. */
export function noise(seed: number, timeS: number, rateHz: number): number {
  const x = timeS * rateHz;
  const i = Math.floor(x);
  const f = x - i;
  const a = hash(seed, i);
  const b = hash(seed, i + 1);
  return (a + (b - a) * f * f * (3 - 2 * f)) / 2147483648 - 1;
}
