/** A server of the load test's own, in a process of its own as a person starts it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * @param args flags of `avsac-live serve`.
 * @throws Error with the server's own words when it does not start.
 */
export async function startServerProcess(args: readonly string[]): Promise<ServerProcess> {
  const quiet = args.includes('--log-level') ? [] : ['--log-level', 'error'];
  const server = spawn(
    process.execPath,
    ['server/main.ts', 'serve', '--port', '0', '--drain-ms', '1000', ...quiet, ...args],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4000);
        const ready = /ready: +(http\S+)/.exec(output);
        if (ready) resolve(ready[1]!);
      });
    }
    void ended.then(() => reject(new Error(`The server did not start: ${output.trim()}`)));
  });
  return {
    url,
    pid: server.pid!,
    stop: () => {
      server.kill('SIGTERM');
      return ended;
    },
  };
}
