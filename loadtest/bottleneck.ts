/** Names what a run was short of, from measured CPU, queue, loss and memory. */
import type { RunFigures } from './report.ts';

/** Share of a thread's core, or of the machine, from which on it counts as full. */
const FULL = 0.85;
/** Share of packets, beyond which the network is at fault. */
const LOSSY = 0.02;
/** Share of the machine used by programs that are no part of the test, from which on it says nothing of the server. */
const OTHERS = 0.2;
/** Share of memory. */
const CROWDED = 0.9;

const PARTS: Readonly<Record<string, string>> = {
  main: 'the main thread (signalling, scheduling)',
  media: 'the media workers (receiving and decoding)',
  inference: 'the model (inference threads)',
  other: 'libraries’ own threads',
};

/**
 * @param cores of the machine.
 * @returns one sentence.
 */
export function bottleneckOf(run: Omit<RunFigures, 'bottleneck'>, cores: number, memoryBytes: number): string {
  const { server, load } = run;
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
  const lossShare = load.packetsSent === 0 ? 0 : load.packetsLost / load.packetsSent;
  if (lossShare > LOSSY) return `Network: ${percent(lossShare)} of the packets were lost on the way to the server.`;
  if (server.residentBytes !== undefined && server.residentBytes > CROWDED * memoryBytes) {
    return `Memory: the server holds ${(server.residentBytes / 2 ** 30).toFixed(1)} GiB of ${(memoryBytes / 2 ** 30).toFixed(1)}.`;
  }
  const used = Object.entries(server.cores ?? {}).map(([name, inUse]) => {
    const threads = server.threads?.[name] ?? 1;
    return {
      name,
      inUse,
      perThread: inUse / threads,
      text: `${PARTS[name] ?? name}: ${inUse.toFixed(2)} cores in ${threads} threads`,
    };
  });
  const full = used
    .filter(({ name, perThread }) => name !== 'other' && perThread >= FULL)
    .sort((a, b) => b.perThread - a.perThread);
  if (full.length > 0) return `CPU of ${full.map(({ text }) => text).join('; ')}.`;
  const most = used.toSorted((a, b) => b.inUse - a.inUse)[0];
  if (run.machineBusy >= FULL) {
    const ours = (used.reduce((sum, { inUse }) => sum + inUse, 0) + load.cores) / cores;
    const others = run.machineBusy - ours;
    if (server.cores !== undefined && others > OTHERS) {
      return `Other programs: they use ${percent(others)} of the machine; measure again when they have ended.`;
    }
    const where = most === undefined ? '' : `, most of it ${most.text}`;
    return `CPU of the machine: ${percent(run.machineBusy)} of ${cores} cores in use${where}; the load test itself ${load.cores.toFixed(2)} cores.`;
  }
  if (server.queueMean >= 1)
    return `Model: ${server.queueMean.toFixed(1)} windows wait for it on average, though its threads have time.`;
  return 'Nothing is short: no thread, queue, network or memory is near its limit.';
}
