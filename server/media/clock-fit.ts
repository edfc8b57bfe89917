/** A straight line through pairs of clock readings, robust to single bad ones. */

/** Maps one clock to another near the readings it came from: `wall = media + offsetMs + drift * (media - referenceMs)`. */
export interface ClockLine {
  readonly referenceMs: number;
  readonly offsetMs: number;
  /** Rate difference, dimensionless; 1e-6 is 1 ppm. */
  readonly drift: number;
}

/** @returns reading of the second clock at `mediaMs` of the first, ms. */
export function readClock(line: ClockLine, mediaMs: number): number {
  return mediaMs + line.offsetMs + line.drift * (mediaMs - line.referenceMs);
}

const CAPACITY = 16;
/** Readings closer together than this, or out of order, add nothing but cost; ms. */
const SPACING_MS = 200;
/** Shorter spans say more about jitter than about drift; ms. */
const DRIFT_SPAN_MS = 10_000;
/** Crystals stay well within this; what lies beyond is not drift. */
const MAX_DRIFT = 500e-6;
/** Two readings in a row this far off mean that a clock was set; ms. */
const STEP_MS = 250;

/** Theil-Sen slope and median offset over the last readings: up to nearly half of them may be wrong without effect. */
export class ClockFit {
  readonly #readings: { readonly mediaMs: number; readonly wallMs: number }[] = [];
  #line: ClockLine | undefined;
  #strayed = false;

  get line(): ClockLine | undefined {
    return this.#line;
  }

  add(mediaMs: number, wallMs: number): void {
    const newest = this.#readings.at(-1);
    if (newest !== undefined && mediaMs - newest.mediaMs < SPACING_MS) return;
    if (this.#line !== undefined) {
      const strays = Math.abs(wallMs - readClock(this.#line, mediaMs)) > STEP_MS;
      if (strays && this.#strayed) this.#readings.splice(0, this.#readings.length - 1);
      this.#strayed = strays;
    }
    this.#readings.push({ mediaMs, wallMs });
    if (this.#readings.length > CAPACITY) this.#readings.shift();
    this.#line = this.#fit();
  }

  clear(): void {
    this.#readings.length = 0;
    this.#line = undefined;
    this.#strayed = false;
  }

  #fit(): ClockLine {
    const referenceMs = this.#readings.at(-1)!.mediaMs;
    const drift = this.#drift();
    const offsetMs = median(
      this.#readings.map(({ mediaMs, wallMs }) => wallMs - mediaMs - drift * (mediaMs - referenceMs)),
    );
    return { referenceMs, offsetMs, drift };
  }

  #drift(): number {
    if (this.#readings.at(-1)!.mediaMs - this.#readings[0]!.mediaMs < DRIFT_SPAN_MS) return 0;
    const slopes: number[] = [];
    for (const [index, later] of this.#readings.entries()) {
      for (const earlier of this.#readings.slice(0, index)) {
        slopes.push((later.wallMs - earlier.wallMs) / (later.mediaMs - earlier.mediaMs) - 1);
      }
    }
    return Math.max(-MAX_DRIFT, Math.min(MAX_DRIFT, median(slopes)));
  }
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}
