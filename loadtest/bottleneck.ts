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
  const { server, load, machineBusy } = run;
  if (server.cores === undefined) {
    if (machineBusy >= FULL) return 'The machine of the load test is full; publish from a larger one.';
    return networkOf(run) ?? 'Not known: the server runs elsewhere, and its CPU is not seen from here.';
  }
  if (server.residentBytes !== undefined && server.residentBytes > CROWDED * memoryBytes) {
    return `Memory: the server holds ${gib(server.residentBytes)} of ${gib(memoryBytes)} GiB.`;
  }
  const used = Object.entries(server.cores).map(([name, inUse]) => {
    const threads = server.threads?.[name] ?? 1;
    const text = `${PARTS[name] ?? name}: ${inUse.toFixed(2)} cores in ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    return { name, inUse, perThread: inUse / threads, text };
  });
  const others = machineBusy - (used.reduce((sum, { inUse }) => sum + inUse, 0) + load.cores) / cores;
  if (machineBusy >= FULL && others > OTHERS) {
    return `Other programs: they use ${percent(others)} of the machine; measure again when they have ended.`;
  }
  const full = used.filter(({ name, perThread }) => name !== 'other' && perThread >= FULL);
  if (full.length > 0) return `CPU of ${full.map(({ text }) => text).join('; ')}.`;
  if (machineBusy >= FULL) {
    const most = used.toSorted((a, b) => b.inUse - a.inUse)[0];
    return `CPU of the machine: ${percent(machineBusy)} of ${cores} cores in use, most of it ${most?.text}; the load test itself ${load.cores.toFixed(2)} cores.`;
  }
  if (server.queueMean >= 1) {
    return `Model: ${server.queueMean.toFixed(1)} windows wait for it on average, though its threads have time.`;
  }
  return networkOf(run) ?? 'Nothing is short: no thread, queue, network or memory is near its limit.';
}

function networkOf({ load }: Omit<RunFigures, 'bottleneck'>): string | undefined {
  const lost = load.packetsSent === 0 ? 0 : load.packetsLost / load.packetsSent;
  return lost > LOSSY ? `Network: ${percent(lost)} of the packets were lost on the way to the server.` : undefined;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
