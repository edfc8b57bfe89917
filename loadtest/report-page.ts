/** report.html: one file with everything in it, to be opened or sent as it is. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Percentiles, Report } from './report.ts';
import { drawCharts } from './report-charts.ts';
import { summarise } from './summary.ts';

const UPLOT = new URL('./', import.meta.resolve('uplot'));
const uPlotFile = (name: string) => readFileSync(fileURLToPath(new URL(name, UPLOT)), 'utf8');

const STYLE = `
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
  h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
  .verdict { font-size: 1.15rem; padding: .75rem 1rem; border-left: .3rem solid #1f77b4; background: #eef4fa; }
  pre { background: #f6f6f6; padding: .75rem 1rem; white-space: pre-wrap; font-size: .85rem; }
  .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); gap: .5rem 2rem; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
  th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd; } th:first-child, td:first-child { text-align: left; }
  .bar { height: .7rem; background: #1f77b4; min-width: 1px; } td.wide { width: 40%; }
  @media (max-width: 34rem) { .charts { grid-template-columns: 1fr; } }
`;

export function reportPage(report: Report): string {
  const { run, capacity, machine, model, options, createdAt, clocks } = report;
  const headline =
    capacity === undefined
      ? `${run.streamsLive} of ${run.streamsAsked} streams: ${run.bottleneck}`
      : `${capacity.streams} streams at the objective. ${capacity.verdict}`;
  const chart = (id: string, title: string) => `<section><h2>${title}</h2><div id="${id}"></div></section>`;
  const trials =
    capacity === undefined
      ? ''
      : chart('throughput', 'Throughput against streams') + chart('growth', 'Latency against streams');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Load test: ${inHtml(headline)}</title>
<style>${uPlotFile('uPlot.min.css')}${STYLE}</style>
<h1>Load test, profile ${inHtml(options.profile)}</h1>
<p class="verdict">${inHtml(headline)}</p>
<p>${inHtml(createdAt)} · ${inHtml(machine.cpu)}, ${machine.cores} cores · Node ${inHtml(machine.node)} · ${inHtml(model.name)} ${inHtml(model.version)} on ${inHtml(model.executionProvider)} · server ${inHtml(options.url ?? `of its own ${options.serverFlags.join(' ')}`)}</p>
<pre>${inHtml(summarise(report))}</pre>
<div class="charts">
${trials}
${chart('latency', 'Frame to mask over time')}
${chart('percentiles', 'Frame to mask, percentiles')}
${chart('rate', 'Masks a second')}
${chart('iou', 'IoU with the truth')}
${chart('cpu', 'CPU')}
${chart('memory', 'Memory')}
</div>
<h2>Where the time goes</h2>
${stageTable(run.stagesMs)}
<h2>Streams</h2>
${streamTable(run.streams)}
<h2>Clocks</h2>
<p>${inHtml(clocks)}</p>
<script>${uPlotFile('uPlot.iife.min.js')}</script>
<script>const report = ${JSON.stringify(report).replaceAll('<', '\\u003c')};
(${drawCharts})(report, uPlot);</script>
</html>
`;
}

function stageTable(stages: Readonly<Record<string, Percentiles>>): string {
  const longest = Math.max(1, ...Object.values(stages).map(({ p95 }) => p95));
  const rows = Object.entries(stages).map(([stage, { p50, p95, p99 }]) => {
    const bar = `<div class="bar" style="width:${((100 * p50) / longest).toFixed(1)}%"></div>`;
    return `<tr><td>${inHtml(stage)}</td><td>${p50.toFixed(1)}</td><td>${p95.toFixed(1)}</td><td>${p99.toFixed(1)}</td><td class="wide">${bar}</td></tr>`;
  });
  return `<table><tr><th>stage</th><th>p50, ms</th><th>p95</th><th>p99</th><th class="wide"></th></tr>${rows.join('')}</table>`;
}

function streamTable(streams: Report['run']['streams']): string {
  const cell = (value: number | undefined, digits: number) => `<td>${value?.toFixed(digits) ?? '–'}</td>`;
  const rows = streams.map(
    (stream) =>
      `<tr><td>${stream.stream} ${stream.kind}</td>${cell(stream.masksPerSecond, 1)}${cell(stream.frameToMaskMs?.p50, 0)}` +
      `${cell(stream.frameToMaskMs?.p95, 0)}${cell(stream.iou, 3)}${cell(100 * stream.pairedShare, 0)}${cell(stream.joinMs, 0)}` +
      `${cell(stream.packetsLost, 0)}<td>${inHtml(stream.ended ?? '')}</td></tr>`,
  );
  return `<table><tr><th>stream</th><th>masks/s</th><th>p50, ms</th><th>p95, ms</th><th>IoU</th><th>paired, %</th><th>join, ms</th><th>packets lost</th><th>ended</th></tr>${rows.join('')}</table>`;
}

function inHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
