/** What changed from one report to another beyond the noise of both. */
import type { Report, Slice } from './report.ts';

/** Seconds follow on each other and are alike; the means of longer stretches are nearly independent (batch means). */
const MAX_BATCHES = 10;
const MIN_SLICES = 4;
/** Of the standard normal distribution, for 95 %. */
const Z = 1.959964;

export interface Change {
  readonly name: string;
  readonly before: number;
  readonly after: number;
  /** 95 % confidence interval of `after - before`. */
  readonly low: number;
  readonly high: number;
  /** `same` when the interval holds 0. */
  readonly verdict: 'better' | 'worse' | 'same';
}

interface Quantity {
  readonly name: string;
  readonly better: 'more' | 'less';
  readonly of: (slice: Slice) => number | undefined;
}

const total = (byName: Readonly<Record<string, number>> | undefined) =>
  byName && Object.values(byName).reduce((sum, value) => sum + value, 0);

const QUANTITIES: readonly Quantity[] = [
  { name: 'masks/s', better: 'more', of: ({ masksPerSecond }) => masksPerSecond },
  { name: 'frame to mask p50, ms', better: 'less', of: ({ frameToMaskP50Ms }) => frameToMaskP50Ms },
  { name: 'frame to mask p95, ms', better: 'less', of: ({ frameToMaskP95Ms }) => frameToMaskP95Ms },
  { name: 'IoU', better: 'more', of: ({ iou }) => iou },
  { name: 'server cores', better: 'less', of: ({ serverCores }) => total(serverCores) },
  ...['main', 'media', 'inference', 'other'].map(
    (thread): Quantity => ({ name: `  ${thread}`, better: 'less', of: ({ serverCores }) => serverCores?.[thread] }),
  ),
  {
    name: 'server core-ms a mask',
    better: 'less',
    of: ({ serverCores, masksPerSecond }) => {
      const cores = total(serverCores);
      return cores === undefined || masksPerSecond === 0 ? undefined : (1000 * cores) / masksPerSecond;
    },
  },
  {
    name: 'memory, MiB',
    better: 'less',
    of: ({ residentBytes }) => (residentBytes === undefined ? undefined : residentBytes / 2 ** 20),
  },
];

/**
 * Compares quantity by quantity, by Welch's interval on batch means; what one of the reports lacks is left out.
 * @throws Error when a report is too short to have noise.
 */
export function compare(before: Report, after: Report): Change[] {
  for (const { run } of [before, after]) {
    if (run.slices.length < MIN_SLICES) {
      throw new Error(
        `A report of ${run.slices.length} s is too short to tell change from noise; measure ${MIN_SLICES} s or more.`,
      );
    }
  }
  return QUANTITIES.flatMap(({ name, better, of }) => {
    const a = batchMeans(before.run.slices.flatMap((slice) => of(slice) ?? []));
    const b = batchMeans(after.run.slices.flatMap((slice) => of(slice) ?? []));
    if (a.length < 2 || b.length < 2) return [];
    const [low, high] = welchInterval(a, b);
    const verdict = low <= 0 && high >= 0 ? 'same' : low > 0 === (better === 'more') ? 'better' : 'worse';
    return { name, before: mean(a), after: mean(b), low, high, verdict };
  });
}

/** @returns what makes two reports hard to compare, in words. */
export function differencesOf(before: Report, after: Report): string[] {
  const aspects: [string, (report: Report) => unknown][] = [
    ['profile', ({ options }) => options.profile],
    ['streams', ({ run }) => run.streamsAsked],
    ['network faults', ({ options }) => JSON.stringify(options.faults ?? 'none')],
    ['server flags', ({ options }) => options.serverFlags.join(' ') || 'none'],
    ['model', ({ model }) => `${model.name} ${model.version} on ${model.executionProvider}`],
    ['machine', ({ machine }) => `${machine.cpu}, ${machine.cores} cores`],
  ];
  return aspects.flatMap(([name, of]) => (of(before) === of(after) ? [] : `${name}: ${of(before)} / ${of(after)}`));
}

/** The comparison for a terminal. */
export function describeComparison(before: Report, after: Report): string {
  const heads = differencesOf(before, after).map((difference) => `differs – ${difference}\n`);
  const rows = compare(before, after).map(({ name, before: a, after: b, low, high, verdict }) => {
    const [from, to, least, most] = [a, b, low, high].map(shown);
    const change = verdict === 'same' ? 'no change beyond noise' : `${verdict} by ${least} to ${most}`;
    return `${name.padEnd(24)}${from!.padStart(10)} → ${to!.padEnd(10)} ${change}\n`;
  });
  const [a, b] = [before.capacity?.streams, after.capacity?.streams];
  if (a !== undefined && b !== undefined) rows.push(`${'capacity, streams'.padEnd(24)}${`${a}`.padStart(10)} → ${b}\n`);
  return [...heads, ...rows].join('');
}

/** Three digits, and never an exponent. */
const shown = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function batchMeans(values: readonly number[]): number[] {
  const count = Math.min(MAX_BATCHES, Math.floor(values.length / 2));
  return Array.from({ length: count }, (_, i) =>
    mean(values.slice(Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count))),
  );
}

/** 95 % interval of mean(b) - mean(a), variances unequal (Welch 1947). */
export function welchInterval(a: readonly number[], b: readonly number[]): [number, number] {
  const [va, vb] = [a, b].map((values) => {
    const centre = mean(values);
    return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1) / values.length;
  }) as [number, number];
  const difference = mean(b) - mean(a);
  if (va + vb === 0) return [difference, difference];
  const freedom = (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  const reach = studentT(freedom) * Math.sqrt(va + vb);
  return [difference - reach, difference + reach];
}

/** The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5); within 4 % from 2 degrees of freedom on. */
function studentT(freedom: number): number {
  const g1 = (Z ** 3 + Z) / 4;
  const g2 = (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96;
  const g3 = (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384;
  return Z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3;
}
