/** Reads Prometheus' text exposition (format 0.0.4) and what lies between two readings. */

export interface Bucket {
  /** Upper bound, inclusive; the last is infinite. */
  readonly le: number;
  /** Observations up to it. */
  readonly count: number;
}

export interface HistogramReading {
  readonly sum: number;
  readonly count: number;
  readonly buckets: readonly Bucket[];
}

export class Exposition {
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    for (const [, key, value] of text.matchAll(/^([a-zA-Z_:][\w:]*(?:\{.*\})?) ([^ \n]+)(?: \d+)?$/gm)) {
      this.#values.set(key!, Number(value));
    }
  }

  /** 0 when the server has no such metric. */
  value(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** A counter's values by one label, e.g. drops by reason. */
  byLabel(name: string, label: string): Record<string, number> {
    const pattern = new RegExp(`^${name}\\{(?:.*,)?${label}="([^"]*)".*\\}$`);
    return Object.fromEntries(
      [...this.#values].flatMap(([key, value]) => {
        const matched = pattern.exec(key)?.[1];
        return matched === undefined ? [] : [[matched, value]];
      }),
    );
  }

  /** What a histogram observed since `earlier`. */
  histogramSince(earlier: Exposition, name: string): HistogramReading {
    const since = (key: string) => this.value(key) - earlier.value(key);
    const buckets = Object.keys(this.byLabel(`${name}_bucket`, 'le')).map((le) => ({
      le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
      count: since(`${name}_bucket{le="${le}"}`),
    }));
    return { sum: since(`${name}_sum`), count: since(`${name}_count`), buckets };
  }
}

/**
 * As Prometheus' `histogram_quantile`: evenly spread within a bucket; the last finite bound when the quantile lies beyond it.
 * @param share 0..1
 * @returns undefined when nothing was observed.
 */
export function quantile({ buckets, count }: HistogramReading, share: number): number | undefined {
  if (count === 0) return undefined;
  const rank = share * count;
  let below: Bucket = { le: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (!Number.isFinite(bucket.le)) return below.le;
      const within = bucket.count === below.count ? 1 : (rank - below.count) / (bucket.count - below.count);
      return below.le + (bucket.le - below.le) * within;
    }
    below = bucket;
  }
  return below.le;
}
