/** Draws the plots of a report. Runs in the report's page: self-contained, its source goes into the HTML (report-page.ts). */
import type uPlot from 'uplot';
import type { Report } from './report.ts';

export function drawCharts(report: Report, Plot: typeof uPlot): void {
  const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#8c564b', '#ff7f0e'];
  const HEIGHT_PX = 220;
  type Values = (number | null)[];

  /** One chart; a series without values is left out. */
  function chart(
    id: string,
    xLabel: string,
    yLabel: string,
    x: number[],
    series: Readonly<Record<string, Values>>,
    options: {
      readonly shownX?: (value: number) => string;
      readonly ticks?: readonly number[];
      readonly points?: boolean;
    } = {},
  ): void {
    const place = document.getElementById(id)!;
    const shown = Object.entries(series).filter(([, values]) => values.some((value) => value !== null));
    if (x.length === 0 || shown.length === 0) {
      place.textContent = 'Not measured in this run.';
      return;
    }
    const { shownX, ticks } = options;
    const plot = new Plot(
      {
        width: place.clientWidth,
        height: HEIGHT_PX,
        scales: { x: { time: false }, y: { range: (_plot, _low, high) => [0, 1.05 * (high || 1)] } },
        axes: [
          {
            label: xLabel,
            ...(shownX && { values: (_plot, splits) => splits.map(shownX) }),
            ...(ticks && { splits: () => [...ticks] }),
          },
          { label: yLabel, size: 60 },
        ],
        series: [
          { label: xLabel, ...(shownX && { value: (_plot, value) => (value === null ? '–' : shownX(value)) }) },
          ...shown.map(([label, values], i) => ({
            label,
            stroke: COLOURS[i % COLOURS.length]!,
            width: 2,
            spanGaps: true,
            points: { show: options.points ?? values.length < 3 },
            value: (_plot: uPlot, value: number | null) => (value === null ? '–' : value.toFixed(value < 10 ? 2 : 0)),
          })),
        ],
      },
      [x, ...shown.map(([, values]) => values)],
      place,
    );
    addEventListener('resize', () => plot.setSize({ width: place.clientWidth, height: HEIGHT_PX }));
  }

  const { run, slo, capacity } = report;
  const { slices } = run;
  const times = slices.map(({ atS }) => atS);
  const over = (value: (slice: (typeof slices)[number]) => number | undefined): Values =>
    slices.map((slice) => value(slice) ?? null);
  const owed = times.map(() => slo.frameToMaskP95Ms);
  chart('latency', 'time, s', 'frame to mask, ms', times, {
    p50: over(({ frameToMaskP50Ms }) => frameToMaskP50Ms),
    p95: over(({ frameToMaskP95Ms }) => frameToMaskP95Ms),
    'owed p95': owed,
  });
  chart('rate', 'time, s', 'masks/s', times, { 'all streams': over(({ masksPerSecond }) => masksPerSecond) });
  chart('iou', 'time, s', 'IoU', times, { mean: over(({ iou }) => iou) });

  // A share of 0.99 stands at 2 nines.
  const nines = (share: number) => -Math.log10(Math.max(1 - share, 1e-4));
  const curve = run.percentileCurve.filter(([share]) => share < 1);
  chart(
    'percentiles',
    'share of frames',
    'frame to mask, ms',
    curve.map(([share]) => nines(share)),
    { 'at most': curve.map(([, ms]) => ms), 'owed p95': curve.map(() => slo.frameToMaskP95Ms) },
    {
      shownX: (value) => `${(100 * (1 - 10 ** -value)).toFixed(value > 2.5 ? 1 : 0)} %`,
      ticks: [0, 0.5, 0.9, 0.95, 0.99, 0.999].map(nines),
      points: true,
    },
  );

  const threads = [...new Set(slices.flatMap(({ serverCores }) => Object.keys(serverCores ?? {})))];
  chart('cpu', 'time, s', 'cores', times, {
    ...Object.fromEntries(threads.map((name) => [`server: ${name}`, over(({ serverCores }) => serverCores?.[name])])),
    'load test': over(({ loadCores }) => loadCores),
    'machine, all programs': over(({ machineBusy }) => machineBusy * report.machine.cores),
  });
  chart('memory', 'time, s', 'MiB', times, {
    'server, resident': over(({ residentBytes }) =>
      residentBytes === undefined ? undefined : residentBytes / 2 ** 20,
    ),
  });

  if (capacity !== undefined) {
    const trials = [...capacity.trials, capacity.overload].sort((a, b) => a.streams - b.streams);
    const streams = trials.map((trial) => trial.streams);
    chart(
      'throughput',
      'streams',
      'masks/s',
      streams,
      {
        'all streams': trials.map(({ masksPerSecond }) => masksPerSecond),
        owed: streams.map((count) => count * slo.masksPerSecond),
      },
      { points: true, ticks: streams, shownX: String },
    );
    chart(
      'growth',
      'streams',
      'frame to mask, ms',
      streams,
      {
        p95: trials.map(({ frameToMaskP95Ms }) => frameToMaskP95Ms ?? null),
        owed: streams.map(() => slo.frameToMaskP95Ms),
      },
      { points: true, ticks: streams, shownX: String },
    );
  }
}
