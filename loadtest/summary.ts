/** A report on one screen of a terminal. */
import type { Percentiles, Report } from './report.ts';

const NAME_WIDTH = 22;

export function summarise({ options, model, machine, slo, capacity, run }: Report): string {
  const { server, load } = run;
  const lines: (readonly [string, string] | undefined)[] = [
    [
      'streams',
      `${run.streamsLive} of ${run.streamsAsked} to the end, profile ${options.profile}, ${run.measuredS.toFixed(0)} s measured`,
    ],
    some(run.refusals) ? ['never let in', counts(run.refusals)] : undefined,
    some(run.lost) ? ['lost', counts(run.lost)] : undefined,
    [
      'masks/s',
      `${run.masksPerSecond.toFixed(1)} in all, slowest stream ${run.slowestStreamMasksPerSecond.toFixed(1)} (owed ${slo.masksPerSecond}); ${percent(run.gatedShare)} by silence`,
    ],
    ['frame to mask', `${percentiles(run.frameToMaskMs)} (owed p95 < ${slo.frameToMaskP95Ms} ms); waits included`],
    ['  of those answered', percentiles(run.answeredFrameToMaskMs)],
    run.onsetToMaskMs && [
      'sound onset to mask',
      `${percentiles(run.onsetToMaskMs)}, ${percent(run.onsetsAnswered)} answered`,
    ],
    [
      'stages, p50',
      Object.entries(run.stagesMs)
        .map(([stage, { p50 }]) => `${stage} ${p50.toFixed(0)}`)
        .join(', '),
    ],
    ['IoU', `${run.iou?.toFixed(3) ?? 'not known'}; paired ${percent(run.pairedShare)}`],
    ['join', percentiles(run.joinMs)],
    [
      'server',
      `${cores(server.cores)}${memory(server.residentBytes)}; batches of ${server.batchFramesMean?.toFixed(1) ?? '–'} in ${server.batchMsMean?.toFixed(0) ?? '–'} ms; queue ${server.queueMean.toFixed(1)}`,
    ],
    some(server.drops) ? ['drops', counts(server.drops)] : undefined,
    [
      'load test',
      `${load.cores.toFixed(2)} cores; ${load.packetsLost} of ${load.packetsSent} packets lost; at most ${load.latestMs.toFixed(0)} ms late${load.framesSkipped > 0 ? `, ${load.framesSkipped} frames skipped` : ''}`,
    ],
    run.recovery && [
      'after the blackout',
      `masks resume in ${percentiles(run.recovery.resumedMs)}; ${run.recovery.notResumed} streams did not`,
    ],
    [
      'machine',
      `${machine.cores} cores, ${percent(run.machineBusy)} in use; ${model.name} ${model.version} on ${model.executionProvider}`,
    ],
    ['bottleneck', run.bottleneck],
    capacity && ['capacity', `${capacity.streams} streams. ${capacity.verdict}`],
  ];
  return lines.flatMap((line) => (line === undefined ? [] : `${line[0].padEnd(NAME_WIDTH)}${line[1]}\n`)).join('');
}

function percentiles(values: Percentiles | undefined): string {
  if (values === undefined) return 'not seen';
  const { p50, p95, p99 } = values;
  return `p50 ${p50.toFixed(0)}, p95 ${p95.toFixed(0)}, p99 ${p99.toFixed(0)} ms`;
}

function cores(byThread: Readonly<Record<string, number>> | undefined): string {
  if (byThread === undefined) return 'CPU not known (elsewhere)';
  const total = Object.values(byThread).reduce((sum, value) => sum + value, 0);
  return `${total.toFixed(2)} cores (${Object.entries(byThread)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(', ')})`;
}

const memory = (bytes: number | undefined) => (bytes === undefined ? '' : `, ${(bytes / 2 ** 20).toFixed(0)} MiB`);
const counts = (byName: Readonly<Record<string, number>>) =>
  Object.entries(byName)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
const some = (byName: Readonly<Record<string, number>>) => Object.keys(byName).length > 0;
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
