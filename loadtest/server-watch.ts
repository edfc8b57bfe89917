/** Reads a server once a second: its metrics, and the CPU and memory of its process where it is on this machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Exposition } from './exposition.ts';

const INTERVAL_MS = 1000;
/** Linux's unit of process times (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

export interface ServerReading {
  /** Ms since the Unix epoch. */
  readonly atMs: number;
  readonly metrics: Exposition;
  /** CPU used since the start, s, by thread: `main`, `media`, `inference`, `publishers`; the rest is `other`. */
  readonly serverCpuS: Readonly<Record<string, number>> | undefined;
  /** Of the server's process, bytes. */
  readonly residentBytes: number | undefined;
  readonly ownCpuS: number;
  /** Of the whole machine, all cores together. */
  readonly machine: { readonly busyMs: number; readonly totalMs: number };
}

/** Threads of one name, counted. */
export type ThreadCounts = Readonly<Record<string, number>>;

const NAMED_THREADS = ['media', 'inference'];
const MAIN_THREAD = 'MainThread';

export class ServerWatch {
  readonly readings: ServerReading[] = [];
  readonly #url: URL;
  readonly #token: string | undefined;
  readonly #pid: number | undefined;
  readonly #timer: NodeJS.Timeout;
  #reading: Promise<void>;

  /** @param pid of a server on this machine. */
  constructor(url: string, token: string | undefined, pid: number | undefined) {
    this.#url = new URL('metrics', url);
    this.#token = token;
    this.#pid = pid;
    this.#reading = this.#read();
    this.#timer = setInterval(() => {
      this.#reading = this.#reading.then(() => this.#read());
    }, INTERVAL_MS);
  }

  /** Threads of the server by name; undefined when its process is not on this machine. */
  threads(): ThreadCounts | undefined {
    if (this.#pid === undefined) return undefined;
    const counts: Record<string, number> = {};
    for (const { name } of threadsOf(this.#pid)) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  /** Reads once more, and ends. @throws Error when the metrics could never be read. */
  async stop(): Promise<readonly ServerReading[]> {
    clearInterval(this.#timer);
    await this.#reading;
    await this.#read();
    if (this.readings.length < 2)
      throw new Error(`${this.#url} cannot be read; is it the address of an avsac-live server?`);
    return this.readings;
  }

  async #read(): Promise<void> {
    const headers: Record<string, string> = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const text = await fetch(this.#url, { headers }).then(
      (response) => (response.ok ? response.text() : undefined),
      () => undefined,
    );
    if (text === undefined) return;
    const { user, system } = process.cpuUsage();
    this.readings.push({
      atMs: performance.timeOrigin + performance.now(),
      metrics: new Exposition(text),
      serverCpuS: this.#pid === undefined ? undefined : cpuByThread(this.#pid),
      residentBytes: this.#pid === undefined ? undefined : residentBytes(this.#pid),
      ownCpuS: (user + system) / 1e6,
      machine: machineTimes(),
    });
  }
}

interface Thread {
  readonly name: string;
  readonly cpuS: number;
}

/** @returns nothing once the process has ended, or where there is no /proc. */
function threadsOf(pid: number): Thread[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((task) => {
      const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
      const [, comm, rest] = /\((.*)\) (.*)/s.exec(stat)!;
      const fields = rest!.split(' ');
      const name = comm === MAIN_THREAD ? 'main' : NAMED_THREADS.includes(comm!) ? comm! : 'other';
      return { name, cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
    });
  } catch {
    return [];
  }
}

function cpuByThread(pid: number): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { name, cpuS } of threadsOf(pid)) sums[name] = (sums[name] ?? 0) + cpuS;
  return sums;
}

function residentBytes(pid: number): number | undefined {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

function machineTimes(): ServerReading['machine'] {
  let totalMs = 0;
  let idleMs = 0;
  for (const { times } of cpus()) {
    totalMs += times.user + times.nice + times.sys + times.idle + times.irq;
    idleMs += times.idle;
  }
  return { busyMs: totalMs - idleMs, totalMs };
}
