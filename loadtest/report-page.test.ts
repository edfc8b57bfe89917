import { createContext, runInContext } from 'node:vm';
import { expect, it } from 'vitest';
import { exampleRecord, exampleReport } from './example-run.ts';
import { OBJECTIVE } from './objective.ts';
import { reportPage } from './report-page.ts';
import { figuresOf } from './run-figures.ts';

const steady = { masksPerSecond: 10, latencyMs: () => 80 };
const run = figuresOf(exampleRecord({ durationMs: 4000, streams: [steady, steady], cores: { media: 0.2 } }), OBJECTIVE);
const trial = { streams: 2, masksPerSecond: 20, frameToMaskP95Ms: 80, misses: [] };

/** Runs the page's own script with a plot library that notes what it is given. */
function draw(page: string) {
  const script = page.slice(page.lastIndexOf('<script>') + '<script>'.length, page.lastIndexOf('</script>'));
  const drawn: { readonly labels: readonly string[]; readonly data: readonly (readonly number[])[] }[] = [];
  class Plot {
    constructor(options: { series: { label: string }[] }, data: number[][]) {
      drawn.push({ labels: options.series.map(({ label }) => label), data });
    }
  }
  const place = { clientWidth: 600, textContent: '' };
  const document = { getElementById: (id: string) => (page.includes(`id="${id}"`) ? place : null) };
  runInContext(script, createContext({ document, uPlot: Plot, addEventListener: () => {} }));
  return drawn;
}

it('holds all it needs', () => {
  const page = reportPage(exampleReport(run));
  expect(page).not.toMatch(/(src|href)=/);
  expect(page).toContain('2 of 2 streams');
  expect(page.match(/<tr><td>\d replay/g)).toHaveLength(2);
});

it('plots the latency over time and by percentile, and the CPU by thread', () => {
  const drawn = draw(reportPage(exampleReport(run)));
  const latency = drawn.find(({ labels }) => labels.includes('owed p95') && labels.includes('p50'))!;
  expect(latency.data[0]).toEqual([0, 1, 2, 3]);
  expect(latency.data[1]).toEqual([80, 80, 80, 80]);
  expect(drawn.some(({ labels }) => labels.includes('at most'))).toBe(true);
  expect(drawn.some(({ labels }) => labels.includes('server: media'))).toBe(true);
});

it('plots throughput and latency against the number of streams, overload included', () => {
  const capacity = { streams: 2, verdict: 'With 3, more.', trials: [trial], overload: { ...trial, streams: 3 } };
  const page = reportPage({ ...exampleReport(run), capacity });
  expect(page).toContain('2 streams at the objective. With 3, more.');
  const throughput = draw(page).find(({ labels }) => labels[0] === 'streams')!;
  expect(throughput.data[0]).toEqual([2, 3]);
});

it('shows what a name contains and never runs it', () => {
  const report = exampleReport(run);
  const page = reportPage({ ...report, model: { ...report.model, name: '</script><b>' } });
  expect(page).toContain('&lt;/script&gt;&lt;b&gt;');
  expect(page.match(/<\/script>/g)).toHaveLength(2);
});
