/** Latencies in an HDR histogram, in which a mask that did not come counts for the wait. */
import { build, type Histogram } from 'hdr-histogram-js';

/** The histogram counts whole numbers: tenths of a millisecond. */
const PER_MS = 10;
/** Points of a percentile curve, as shares: ever closer to 1. */
const CURVE = [0, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1];

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

export class LatencyHistogram {
  readonly #histogram: Histogram = build({ numberOfSignificantValueDigits: 3 });

  /** @param latencyMs >= 0 */
  record(latencyMs: number): void {
    this.#histogram.recordValue(Math.max(0, Math.round(latencyMs * PER_MS)));
  }

  /** @param share 0..1 @returns ms; undefined when nothing was recorded. */
  percentile(share: number): number | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    return this.#histogram.getValueAtPercentile(100 * share) / PER_MS;
  }

  /** Undefined when nothing was recorded. */
  percentiles(): Percentiles | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    return {
      p50: this.percentile(0.5)!,
      p95: this.percentile(0.95)!,
      p99: this.percentile(0.99)!,
      max: this.percentile(1)!,
      count: this.#histogram.totalCount,
    };
  }

  /** Pairs of a share and its latency, ms. */
  curve(): [number, number][] {
    return this.#histogram.totalCount === 0 ? [] : CURVE.map((share) => [share, this.percentile(share)!]);
  }
}

export interface Answer {
  readonly captureMs: number;
  readonly arrivalMs: number;
}

export interface Latency {
  /** Of the frame that was, or should have been, answered. */
  readonly captureMs: number;
  readonly latencyMs: number;
  /** False for the wait of a frame that got no mask. */
  readonly answered: boolean;
}

/**
 * Coordinated omission: a server under load answers fewer frames, and those it answers say nothing of those it left out. One
 * frame in each `intervalMs` is owed a mask; a frame that got none was answered by the next mask that came, or has waited until
 * the end.
 * @param answers in order of arrival; a mask of an older frame than one before answers nothing that was owed.
 * @param startMs, endMs the time that counts, by capture.
 */
export function latenciesWithWaits(
  answers: readonly Answer[],
  intervalMs: number,
  startMs: number,
  endMs: number,
): Latency[] {
  const latencies: Latency[] = [];
  let newestMs = startMs;
  const wait = (untilMs: number, atMs: number) => {
    for (let owedMs = newestMs + intervalMs; owedMs < untilMs; owedMs += intervalMs) {
      latencies.push({ captureMs: owedMs, latencyMs: atMs - owedMs, answered: false });
    }
    newestMs = Math.max(newestMs, untilMs);
  };
  for (const { captureMs, arrivalMs } of answers) {
    if (captureMs < startMs) continue;
    if (captureMs > newestMs) wait(Math.min(captureMs, endMs), arrivalMs);
    if (captureMs < endMs) latencies.push({ captureMs, latencyMs: arrivalMs - captureMs, answered: true });
  }
  wait(endMs, endMs);
  return latencies;
}
