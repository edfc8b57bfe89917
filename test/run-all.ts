/** `npm test`: sets up what the tests need, runs every suite, prints the totals of all. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findChromium } from './fixtures/chromium.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = `${ROOT}test-results/`;

interface Totals {
  readonly passed: number;
  readonly failed: number;
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
  await rm(report, { force: true });
  const status = await runCommand('vitest', [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
  ]);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests } = JSON.parse(text) as Record<string, number>;
  // A file that cannot be loaded fails the run without a failed test.
  const failed = Math.max(numFailedTests ?? 0, status === 0 ? 0 : 1);
  return { passed: numPassedTests ?? 0, failed };
}

async function runPytest(): Promise<Totals> {
  const report = `${RESULTS}python.xml`;
  await rm(report, { force: true });
  const status = await runCommand('models/run', ['pytest', '-q', `--junitxml=${report}`]);
  const xml = await readFile(report, 'utf8').catch(() => '');
  const attribute = (name: string) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = Math.max(attribute('failures') + attribute('errors'), status === 0 ? 0 : 1);
  return { passed: attribute('tests') - attribute('failures') - attribute('errors') - attribute('skipped'), failed };
}

await mkdir(RESULTS, { recursive: true });
await rm(`${RESULTS}totals.txt`, { force: true });
await provideChromium();
const build = await runCommand('npm', ['run', '--silent', 'build:client']);
const suites: [string, Totals][] = [['page build', { passed: 0, failed: build === 0 ? 0 : 1 }]];
for (const project of ['unit', 'contract', 'integration', 'browser']) suites.push([project, await runVitest(project)]);
suites.push(['python', await runPytest()]);

process.stdout.write('\n');
for (const [name, { passed, failed }] of suites)
  process.stdout.write(`${name.padEnd(12)} ${passed} passed, ${failed} failed\n`);
const passed = suites.reduce((sum, [, totals]) => sum + totals.passed, 0);
const failed = suites.reduce((sum, [, totals]) => sum + totals.failed, 0);
const line = `${passed} passed, ${failed} failed\n`;
await writeFile(`${RESULTS}totals.txt`, line);
process.stdout.write(line);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
