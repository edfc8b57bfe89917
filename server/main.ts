#!/usr/bin/env node
/** Command line: `avsac-live serve`, `segment`, `publish` and `doctor`. With config.ts the only reader of the process's environment. */
import { Command, Option } from 'commander';
import { asAvsacError } from '../shared/errors.ts';
import { FLAGS, readConfig } from './config.ts';
import { examine } from './doctor.ts';
import { startServer } from './service.ts';

const EXIT_FAILURE = 1;

type PublishFlags = Record<string, string | undefined> & { readonly fast?: never };

const program = new Command('avsac-live').description('Shows, on live video, which pixels make the sound.');

function withFlags(command: Command, keys: readonly string[] = FLAGS.map(({ key }) => key)): Command {
  for (const { key, flag, env, range, about, fallback } of FLAGS) {
    if (!keys.includes(key)) continue;
    const shown = fallback === undefined ? '' : `, default ${Array.isArray(fallback) ? fallback.join(',') : fallback}`;
    // Values are parsed with the variables by readConfig, so that every bad one is named at once.
    command.addOption(new Option(`${flag} <value>`, `${about} (${range}${shown}; ${env})`));
  }
  return command;
}

withFlags(program.command('serve', { isDefault: true }))
  .description('serve the page and live sessions')
  .action(async (flags: Record<string, string | undefined>) => {
    const server = await startServer(readConfig(process.env, flags));
    process.stdout.write(`\n  avsac-live is ready:  ${server.url}\n\n`);
    const stop = () => void server.close().then(() => process.exit(0));
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  });

const withOutputs = (command: Command): Command =>
  command
    .argument('<file>', 'a video of any kind that FFmpeg reads')
    .option('--out <masks.jsonl>', 'a line of JSON for each mask (docs/files.md); without any output they are printed')
    .option('--overlay <video.mp4>', 'the video with its masks burnt in and its sound')
    .option('--preview <sheet.png>', 'frames with their masks, evenly over the video, in one picture');

withOutputs(withFlags(program.command('segment'), ['model', 'providers', 'maskRateHz']))
  .description('masks of a video file, without a network, as fast as this machine allows')
  .action(async (path: string, flags: Record<string, string | undefined>) => {
    // Loaded when asked for: the server has no use for it.
    const [{ runOnFile }, { segmentFile }] = await Promise.all([
      import('./offline/file-command.ts'),
      import('./offline/segment-file.ts'),
    ]);
    const config = readConfig(process.env, flags);
    await runOnFile(path, flags, (file) => segmentFile(file, config));
  });

withOutputs(withFlags(program.command('publish'), ['model', 'providers', 'maskRateHz']))
  .description('masks of a video file by way of WebRTC: publishes it to a server, its own or another')
  .option('--url <url>', 'root of a running server; without it one is started for this file')
  .option('--token <token>', 'bearer token of that server')
  .option('--fast', 'as fast as masks come back, instead of at the pace of the file')
  .action(async (path: string, { url, token, fast, ...flags }: PublishFlags) => {
    const [{ runOnFile }, { NodeAvEncodedFile }, { publishFile }] = await Promise.all([
      import('./offline/file-command.ts'),
      import('./media/node-av-encoded-file.ts'),
      import('../publisher/publish-file.ts'),
    ]);
    const config = readConfig(process.env, { logLevel: 'error', drainMs: '0', ...flags, host: '127.0.0.1', port: '0' });
    await runOnFile(path, flags, async function* (file) {
      const server = url === undefined ? await startServer(config) : undefined;
      try {
        // The tokens of one's own server are nobody else's business.
        const own = server && { url: server.url, token: config.tokens[0] };
        yield* publishFile(new NodeAvEncodedFile(file), { url: url!, token, ...own, fast: fast ?? false });
      } finally {
        await server?.close();
      }
    });
    // Threads of the transport need not end by themselves.
    process.exit(0);
  });

withFlags(program.command('doctor'))
  .description('say what this machine has and what it lacks')
  .action(async (flags: Record<string, string | undefined>) => {
    const healthy = await examine(readConfig(process.env, flags), (line) => process.stdout.write(`${line}\n`));
    process.exitCode = healthy ? 0 : EXIT_FAILURE;
  });

try {
  await program.parseAsync();
} catch (error) {
  const { code, message, cause } = asAvsacError(error);
  process.stderr.write(`avsac-live: ${message}\n`);
  if (code === 'internal' && cause instanceof Error) process.stderr.write(`${cause.stack}\n`);
  // Threads that were starting must not keep a failed command alive.
  process.exit(EXIT_FAILURE);
}
