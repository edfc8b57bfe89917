/** `npm test`: sets up what the tests need, runs every suite, prints the totals of all. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findChromium } from './fixtures/chromium.ts';
import { takeDeaths } from './process-deaths.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = `${ROOT}test-results/`;

interface Totals {
  readonly passed: number;
  readonly failed: number;
  /** What did not pass, a line each: the totals end a long log, and its beginning is not always kept. */
  readonly faults: readonly string[];
}

/** The part of Vitest's JSON report that is read. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function runCommand(command: string, args: readonly string[]): Promise<number> {
  process.stdout.write(`\n> ${command} ${args.join(' ')}\n`);
  return new Promise((resolve, reject) => {
    spawn(command, args, { cwd: ROOT, stdio: 'inherit' })
      .once('error', reject)
      .once('close', (code) => resolve(code ?? 1));
  });
}

/** Installs Debian's Chromium where there is none and it may. */
async function provideChromium(): Promise<void> {
  if (findChromium()) return;
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (mayInstall) {
    await runCommand('apt-get', ['update', '-qq']);
    await runCommand('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium']);
  }
  if (!findChromium()) {
    throw new Error(
      'The browser tests need Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM to its path.',
    );
  }
}

async function runVitest(project: string): Promise<Totals> {
  const report = `${RESULTS}${project}.json`;
  await Promise.all([rm(report, { force: true }), takeDeaths()]);
  const status = await runCommand('vitest', [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
  ]);
  const deaths = await takeDeaths();
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) {
    return { passed: 0, failed: 1, faults: [`${project}: ended with ${status} and no report`, ...deaths] };
  }
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(text) as VitestReport;
  const faults = testResults.flatMap(({ name, message, assertionResults }) => {
    const file = name.replace(ROOT, '');
    const failed = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${file}: ${fullName}: ${failureMessages[0]?.split('\n')[0] ?? ''}`);
    // Tests of a process that died are neither passed nor failed.
    const unended = assertionResults.filter(({ status }) => status === 'pending').length;
    if (unended > 0 && status !== 0) failed.push(`${file}: ${unended} tests skipped or not ended`);
    return message && failed.length === 0 ? [`${file}: ${message.split('\n')[0]}`] : failed;
  });
  // A file that cannot be loaded fails the run without a failed test.
  const failed = Math.max(numFailedTests, status === 0 ? 0 : 1);
  return { passed: numPassedTests, failed, faults: [...faults, ...deaths] };
}

async function runPytest(): Promise<Totals> {
  const report = `${RESULTS}python.xml`;
  await rm(report, { force: true });
  const status = await runCommand('models/run', ['pytest', '-q', `--junitxml=${report}`]);
  const xml = await readFile(report, 'utf8').catch(() => '');
  const attribute = (name: string) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = Math.max(attribute('failures') + attribute('errors'), status === 0 ? 0 : 1);
  const passed = attribute('tests') - attribute('failures') - attribute('errors') - attribute('skipped');
  const faults = Array.from(
    xml.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error) message="([^"]*)"/g),
    ([, file, name, message]) => `${file} ${name}: ${message}`,
  );
  return { passed, failed, faults };
}

await mkdir(RESULTS, { recursive: true });
await rm(`${RESULTS}totals.txt`, { force: true });
await provideChromium();
const build = await runCommand('npm', ['run', '--silent', 'build:client']);
const suites: [string, Totals][] = [['page build', { passed: 0, failed: build === 0 ? 0 : 1, faults: [] }]];
for (const project of ['unit', 'contract', 'integration', 'browser']) suites.push([project, await runVitest(project)]);
suites.push(['python', await runPytest()]);

process.stdout.write('\n');
for (const [, { faults }] of suites) for (const fault of faults) process.stdout.write(`did not pass: ${fault}\n`);
for (const [name, { passed, failed }] of suites)
  process.stdout.write(`${name.padEnd(12)} ${passed} passed, ${failed} failed\n`);
const passed = suites.reduce((sum, [, totals]) => sum + totals.passed, 0);
const failed = suites.reduce((sum, [, totals]) => sum + totals.failed, 0);
const line = `${passed} passed, ${failed} failed\n`;
await writeFile(`${RESULTS}totals.txt`, line);
process.stdout.write(line);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
