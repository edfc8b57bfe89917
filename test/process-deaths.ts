/** Says how a test process died: Vitest tells that it did, neither its signal nor its last words. */
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, mkdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../test-results/', import.meta.url));
/** A line of JSON, a string, for each. */
const DEATHS = `${RESULTS}deaths.jsonl`;
/** Characters. */
const LAST_WORDS = 2000;

/** Notes each child of this process that from now on fails, or dies of a signal that this process did not send. */
export function noteDeaths(): void {
  mkdirSync(RESULTS, { recursive: true });
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess };
    // Its pipes are there once it is spawned.
    child.once('spawn', () => {
      let said = '';
      child.stderr?.on('data', (text: Buffer) => {
        said = (said + text.toString()).slice(-LAST_WORDS);
      });
      child.once('close', (code, signal) => {
        if (child.killed || code === 0) return;
        const death = `process ${child.pid} died of ${signal ?? `exit code ${code}`}; its last words: ${said.trim() || 'none'}`;
        appendFileSync(DEATHS, `${JSON.stringify(death)}\n`);
      });
    });
  });
}

/** @returns the deaths noted since it was last asked. */
export async function takeDeaths(): Promise<string[]> {
  const lines = await readFile(DEATHS, 'utf8').catch(() => '');
  await rm(DEATHS, { force: true });
  // Vitest reads its configuration, which notes them, once for itself and once for each project.
  const noted = new Set(lines.split('\n').filter((line) => line !== ''));
  return [...noted].map((line) => JSON.parse(line) as string);
}
