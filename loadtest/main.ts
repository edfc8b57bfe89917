/** Command line: `npm run loadtest`. How many streams does a server carry, and what holds it back? Guide: docs/loadtest.md. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { MOST_STREAMS } from './capacity.ts';
import { describeComparison } from './comparison.ts';
import { type LoadTestOptions, runLoadTest } from './load-test.ts';
import { PROFILES } from './profile.ts';
import { ProgressBar } from './progress-bar.ts';
import { readReport } from './report.ts';
import { reportPage } from './report-page.ts';
import { summarise } from './summary.ts';

const CACHE = fileURLToPath(new URL('../.cache/loadtest', import.meta.url));

const number = (low: number, high: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= low && value <= high))
    throw new InvalidArgumentError(`Allowed: ${low} to ${high}.`);
  return value;
};
const whole = (low: number, high: number) => (text: string) => {
  const value = number(low, high)(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('Allowed: a whole number.');
  return value;
};

/** `AT:SECONDS` */
const blackout = (text: string) => {
  const [at, length] = text.split(':').map(Number);
  if (!(at! >= 0 && length! > 0)) throw new InvalidArgumentError('Allowed: AT:SECONDS, e.g. 10:5.');
  return { atMs: 1000 * at!, forMs: 1000 * length! };
};

interface Flags {
  readonly url?: string;
  readonly token?: string;
  readonly streams: number;
  readonly findCapacity?: true;
  readonly duration: number;
  readonly ramp?: number;
  readonly profile: keyof typeof PROFILES;
  readonly chromium: number;
  readonly libwebrtc: number;
  readonly loss: number;
  readonly delay: number;
  readonly jitter: number;
  readonly blackout?: { readonly atMs: number; readonly forMs: number };
  readonly out: string;
}

function optionsOf(serverFlags: string[], flags: Flags): LoadTestOptions {
  const { loss, delay, jitter } = flags;
  const faulty = loss > 0 || delay > 0 || jitter > 0 || flags.blackout !== undefined;
  return {
    url: flags.url,
    token: flags.token,
    serverFlags,
    profile: PROFILES[flags.profile],
    cacheFolder: CACHE,
    streams: flags.findCapacity ? 'capacity' : flags.streams,
    chromium: flags.chromium,
    libwebrtc: flags.libwebrtc,
    durationMs: 1000 * flags.duration,
    rampMs: flags.ramp === undefined ? undefined : 1000 * flags.ramp,
    faults: faulty ? { loss: loss / 100, delayMs: delay, jitterMs: jitter, blackout: flags.blackout } : undefined,
  };
}

const program = new Command('loadtest')
  .description('Publishes many streams to a server and measures what comes back.')
  .argument('[flags...]', 'after --: flags of `avsac-live serve` for a server of the test’s own')
  .option('--url <url>', 'server to load; without it one is started here and stopped afterwards')
  .option('--token <token>', 'bearer token to send along')
  .addOption(new Option('--streams <n>', 'streams to publish').argParser(whole(0, MOST_STREAMS)).default(1))
  .addOption(new Option('--find-capacity', 'find the most streams at the objective').conflicts('streams'))
  .option('--duration <s>', 'time measured, of each trial, s', number(2, 86_400), 30)
  .option('--ramp <s>', 'time over which the streams join, s (default a quarter second each)', number(0, 3600))
  .addOption(new Option('--profile <name>', 'what each stream sends').choices(Object.keys(PROFILES)).default('call'))
  .option('--chromium <k>', 'real browsers beside the streams', whole(0, 50), 0)
  .option('--libwebrtc <k>', 'streams by real libwebrtc beside them', whole(0, 50), 0)
  .option('--loss <percent>', 'packets lost, each way', number(0, 90), 0)
  .option('--delay <ms>', 'delay of every packet, each way', number(0, 5000), 0)
  .option('--jitter <ms>', 'random delay on top, each way', number(0, 5000), 0)
  .option('--blackout <at:s>', 'from AT s into the measured time nothing passes, for so many s', blackout)
  .option('--out <folder>', 'where report.json and report.html go', 'loadtest-report')
  .action(async (serverFlags: string[], flags: Flags) => {
    const bar = new ProgressBar();
    const options = optionsOf(serverFlags, flags);
    const report = await runLoadTest(options, (share, phase) => bar.update(share, phase)).finally(() => bar.stop());
    await mkdir(flags.out, { recursive: true });
    await writeFile(`${flags.out}/report.json`, `${JSON.stringify(report, undefined, 1)}\n`);
    await writeFile(`${flags.out}/report.html`, reportPage(report));
    process.stdout.write(`${summarise(report)}\n${flags.out}/report.html, ${flags.out}/report.json\n`);
  });

program
  .command('compare')
  .description('say what changed from one report to another beyond noise')
  .argument('<before>', 'report.json, or its folder')
  .argument('<after>', 'report.json, or its folder')
  .action(async (before: string, after: string) => {
    const [a, b] = await Promise.all([before, after].map(readReport));
    process.stdout.write(describeComparison(a!, b!));
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`loadtest: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
