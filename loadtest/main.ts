/** Command line: `npm run loadtest`. How many streams does a server carry, and what holds it back? Guide: docs/loadtest.md. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type LoadTestOptions, runLoadTest } from './load-test.ts';
import { PROFILES } from './profile.ts';
import { ProgressBar } from './progress-bar.ts';
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

interface Flags {
  readonly url?: string;
  readonly token?: string;
  readonly streams?: number;
  readonly duration: number;
  readonly ramp?: number;
  readonly profile: keyof typeof PROFILES;
  readonly out: string;
}

const program = new Command('loadtest')
  .description('Publishes many streams to a server and measures what comes back.')
  .argument('[flags...]', 'after --: flags of `avsac-live serve` for a server of the test’s own')
  .option('--url <url>', 'server to load; without it one is started here and stopped afterwards')
  .option('--token <token>', 'bearer token to send along')
  .option('--streams <n>', 'streams to publish (default 1)', whole(1, 1000))
  .option('--duration <s>', 'time measured, s', number(2, 86_400), 30)
  .option('--ramp <s>', 'time over which the streams join, s (default a quarter second each)', number(0, 3600))
  .addOption(new Option('--profile <name>', 'what each stream sends').choices(Object.keys(PROFILES)).default('call'))
  .option('--out <folder>', 'where report.json goes', 'loadtest-report')
  .action(async (serverFlags: string[], flags: Flags) => {
    const bar = new ProgressBar();
    const streams = flags.streams ?? 1;
    const options: LoadTestOptions = {
      url: flags.url,
      token: flags.token,
      serverFlags,
      profile: PROFILES[flags.profile],
      cacheFolder: CACHE,
      streams,
      durationMs: 1000 * flags.duration,
      rampMs: 1000 * (flags.ramp ?? streams / 4),
      faults: undefined,
      blackout: undefined,
    };
    const report = await runLoadTest(options, (share, phase) => bar.update(share, phase)).finally(() => bar.stop());
    await mkdir(flags.out, { recursive: true });
    await writeFile(`${flags.out}/report.json`, `${JSON.stringify(report, undefined, 1)}\n`);
    process.stdout.write(`${summarise(report)}\n${flags.out}/report.json\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`loadtest: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
