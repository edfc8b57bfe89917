/** `avsac-live doctor`: what this machine has for each thing the server needs, and the remedy where it lacks one. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { arch, availableParallelism, platform, totalmem } from 'node:os';
import { asAvsacError } from '../shared/errors.ts';
import type { Config } from './config.ts';
import { readModel } from './inference/manifest.ts';
import { startOrtSegmenter } from './inference/ort-segmenter.ts';
import { loadDecoderFactory } from './media/node-av-decoder.ts';

const MIN_NODE_MAJOR = 24;

type Check = (config: Config) => Promise<string>;

const CHECKS: Readonly<Record<string, Check>> = {
  machine: async () =>
    `${platform()} ${arch()}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory`,
  'Node.js': async () => {
    const { node } = process.versions;
    if (Number.parseInt(node, 10) < MIN_NODE_MAJOR) {
      throw new Error(`${node}, but ${MIN_NODE_MAJOR} is needed; start through npm, which brings its own`);
    }
    return node;
  },
  decoder: async () => `node-av (FFmpeg): ${(await loadDecoderFactory()).videoCodecs.join(', ')}, opus`,
  model: async ({ model }) => {
    const { manifest, file } = await readModel(model);
    const { earlier } = manifest.inputs;
    const sees = earlier ? `sees motion, by the frames ${earlier.agesMs.join(', ')} ms before` : 'sees single frames';
    return `${manifest.name} ${manifest.version}, ${sees}, ${file}, SHA-256 ${manifest.sha256} as in its manifest`;
  },
  'execution provider': async (config) => {
    const segmenter = await startOrtSegmenter({
      model: await readModel(config.model),
      executionProviders: config.providers,
      inferenceWorkers: 1,
      intraOpThreads: 1,
      observer: { batch() {}, dropped() {}, failed() {}, queueDepth() {}, threadCrashed() {} },
    });
    const passedOver = segmenter.passedOver.map(({ provider, reason }) => `${provider} passed over: ${reason}`);
    await segmenter.close();
    return [segmenter.executionProvider, ...passedOver].join('; ');
  },
  'HTTP port': async ({ host, port }) => {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return `${host}:${port} is free`;
  },
  'UDP for media': async ({ udpPorts }) => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject).bind(udpPorts?.[0] ?? 0, resolve);
    });
    const { port } = socket.address();
    await new Promise<void>((resolve) => socket.close(resolve));
    return udpPorts ? `port ${port} of ${udpPorts.join('-')} can be bound` : 'any port';
  },
};

/**
 * Runs every check and writes a line for each.
 * @returns true when nothing is wrong.
 */
export async function examine(config: Config, write: (line: string) => void): Promise<boolean> {
  let healthy = true;
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      write(`ok    ${name}: ${await check(config)}`);
    } catch (error) {
      healthy = false;
      write(`FAIL  ${name}: ${asAvsacError(error).detail ?? asAvsacError(error).message}`);
    }
  }
  return healthy;
}
