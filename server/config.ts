/** The server's configuration: `AVSAC_*` variables and the flags of `avsac-live serve`, validated whole. */
import { availableParallelism } from 'node:os';
import { AvsacError } from '../shared/errors.ts';
import { DEFAULT_MODEL, modelPath } from './inference/shipped-models.ts';

export const EXECUTION_PROVIDERS = ['cuda', 'tensorrt', 'webgpu', 'cpu'] as const;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

type Parse<T> = (text: string) => T | undefined;

interface Option<T> {
  readonly env: string;
  readonly flag: string;
  /** Unit and range, as printed in errors, `--help` and docs/operations.md. */
  readonly range: string;
  readonly about: string;
  readonly fallback: T;
  readonly parse: Parse<T>;
  /** Its value is never shown. */
  readonly secret?: true;
}

const integer =
  (low: number, high: number): Parse<number> =>
  (text) => {
    const value = Number(text);
    return /^\d+$/.test(text.trim()) && value >= low && value <= high ? value : undefined;
  };
const text: Parse<string> = (value) => (value.trim() === '' ? undefined : value.trim());
const list: Parse<readonly string[]> = (value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
const oneOf =
  <T extends string>(allowed: readonly T[]): Parse<T> =>
  (value) =>
    allowed.find((item) => item === value.trim());
const someOf =
  <T extends string>(allowed: readonly T[]): Parse<readonly T[]> =>
  (value) => {
    const items = list(value) ?? [];
    const known = allowed.filter((item) => items.includes(item));
    return items.length > 0 && known.length === new Set(items).size ? items.map((item) => item as T) : undefined;
  };
const portRange: Parse<readonly [number, number] | undefined> = (value) => {
  const match = /^(\d+)-(\d+)$/.exec(value.trim());
  const low = Number(match?.[1]);
  const high = Number(match?.[2]);
  return match && low >= 1024 && high <= 65_535 && low <= high ? [low, high] : undefined;
};

const option = <T>(value: Option<T>): Option<T> => value;

export const OPTIONS = {
  port: option({
    env: 'AVSAC_PORT',
    flag: '--port',
    range: '0..65535, 0 picks a free one',
    about: 'HTTP and WebSocket port',
    fallback: 8080,
    parse: integer(0, 65_535),
  }),
  host: option({
    env: 'AVSAC_HOST',
    flag: '--host',
    range: 'an address of this machine',
    about: 'address to listen on; browsers give cameras to pages from localhost or HTTPS only',
    fallback: '127.0.0.1',
    parse: text,
  }),
  model: option({
    env: 'AVSAC_MODEL',
    flag: '--model',
    range: 'a name in models/dist, a folder or manifest.json',
    about: 'the model: ONNX file and manifest',
    fallback: DEFAULT_MODEL,
    parse: (value) => text(value) && modelPath(value.trim()),
  }),
  providers: option<readonly (typeof EXECUTION_PROVIDERS)[number][]>({
    env: 'AVSAC_PROVIDERS',
    flag: '--providers',
    range: `a list of ${EXECUTION_PROVIDERS.join(', ')}`,
    about: 'execution providers, the first that works is taken',
    fallback: ['cuda', 'cpu'],
    parse: someOf(EXECUTION_PROVIDERS),
  }),
  maxSessions: option({
    env: 'AVSAC_MAX_SESSIONS',
    flag: '--max-sessions',
    range: '1..1000',
    about: 'sessions carried at once; one more is refused',
    fallback: 16,
    parse: integer(1, 1000),
  }),
  maskRateHz: option({
    env: 'AVSAC_MASK_RATE_HZ',
    flag: '--mask-rate-hz',
    range: '2..30 masks a second',
    about: 'masks a second aimed at for a session; falls to 1 under load',
    fallback: 10,
    parse: integer(2, 30),
  }),
  videoBitrateKbps: option({
    env: 'AVSAC_VIDEO_BITRATE_KBPS',
    flag: '--video-bitrate-kbps',
    range: '100..20000 kbit/s',
    about:
      "highest bitrate asked of a publisher's video; the model sees a small picture, more costs uplink and decoding",
    // Of which Chromium leaves video 1.06 Mbit/s, and of 1200 kbit/s 0.88; the rest is sound and headers.
    fallback: 1400,
    parse: integer(100, 20_000),
  }),
  mediaWorkers: option({
    env: 'AVSAC_MEDIA_WORKERS',
    flag: '--media-workers',
    range: '1..64 threads',
    about: 'threads that receive and decode; a 480p30 stream costs some 0.08 core',
    fallback: Math.max(1, Math.floor(availableParallelism() / 4)),
    parse: integer(1, 64),
  }),
  inferenceWorkers: option({
    env: 'AVSAC_INFERENCE_WORKERS',
    flag: '--inference-workers',
    range: '1..64 threads',
    about: 'model runs at once on the CPU, each in a thread with a copy of the model; a GPU has one',
    fallback: availableParallelism(),
    parse: integer(1, 64),
  }),
  iceServers: option<readonly string[]>({
    env: 'AVSAC_ICE_SERVERS',
    flag: '--ice-servers',
    range: 'a list of stun: and turn: URLs, turn as turn:user:password@host:port',
    about: 'ICE servers used by the server and told to clients',
    fallback: [],
    parse: (value) => {
      const urls = list(value) ?? [];
      return urls.every((url) => /^(stun|turns?):[^\s]+$/.test(url)) ? urls : undefined;
    },
  }),
  udpPorts: option<readonly [number, number] | undefined>({
    env: 'AVSAC_UDP_PORTS',
    flag: '--udp-ports',
    range: 'LOW-HIGH within 1024-65535',
    about: 'UDP ports for media; any when not given',
    fallback: undefined,
    parse: portRange,
  }),
  announcedAddresses: option<readonly string[]>({
    env: 'AVSAC_ANNOUNCED_ADDRESSES',
    flag: '--announced-addresses',
    range: 'a list of IP addresses',
    about: 'addresses offered to clients in place of the machine’s own, for servers behind 1:1 NAT',
    fallback: [],
    parse: list,
  }),
  tokens: option<readonly string[]>({
    env: 'AVSAC_TOKENS',
    flag: '--tokens',
    range: 'a list of tokens, each 16 or more of A-Z a-z 0-9 - . _ ~ + /',
    about: 'bearer tokens, one of which WHIP and the results feed ask for; without any they serve this machine only',
    fallback: [],
    // RFC 6750 §2.1.
    parse: (value) => {
      const tokens = list(value) ?? [];
      return tokens.length > 0 && tokens.every((token) => /^[\w.~+/-]{16,}=*$/.test(token)) ? tokens : undefined;
    },
    secret: true,
  }),
  drainMs: option({
    env: 'AVSAC_DRAIN_MS',
    flag: '--drain-ms',
    range: '0..600000 ms',
    about: 'time that sessions may take to leave after SIGTERM',
    fallback: 10_000,
    parse: integer(0, 600_000),
  }),
  logLevel: option({
    env: 'AVSAC_LOG_LEVEL',
    flag: '--log-level',
    range: LOG_LEVELS.join(', '),
    about: 'least severe log line that is written',
    fallback: 'info' as (typeof LOG_LEVELS)[number],
    parse: oneOf(LOG_LEVELS),
  }),
};

export type Config = { readonly [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K]['fallback'] };

/** One flag's description for a command line parser. */
export const FLAGS = Object.entries(OPTIONS).map(([key, { flag, env, range, about, fallback }]) => ({
  key,
  flag,
  env,
  range,
  about,
  fallback,
}));

/**
 * Flags win over variables, variables over defaults.
 * @throws AvsacError `configuration-invalid` listing every bad value with its range, and every unknown `AVSAC_*` variable.
 */
export function readConfig(env: NodeJS.ProcessEnv, flags: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const known = new Set<string>(Object.values(OPTIONS).map((item) => item.env));
  for (const name of Object.keys(env)) {
    if (name.startsWith('AVSAC_') && !known.has(name)) {
      problems.push(`${name} is not a variable of this server; known are ${[...known].join(', ')}`);
    }
  }
  const config = Object.fromEntries(
    Object.entries(OPTIONS).map(([key, item]) => {
      const flagValue = flags[key];
      const given = flagValue ?? env[item.env];
      if (given === undefined) return [key, item.fallback];
      const value = item.parse(given);
      if (value === undefined) {
        const shown = item.secret ? 'not what it may be' : `"${given}"`;
        problems.push(`${flagValue === undefined ? item.env : item.flag} is ${shown}, allowed: ${item.range}`);
      }
      return [key, value];
    }),
  );
  if (problems.length > 0) throw new AvsacError('configuration-invalid', problems.join('; '));
  return config as Config;
}

/** ICE servers in the shape of RTCIceServer; `turn:user:password@host` carries its credentials. */
export function iceServersOf(config: Config): { urls: string; username?: string; credential?: string }[] {
  return config.iceServers.map((url) => {
    const match = /^(turns?):([^:@]+):([^@]+)@(.+)$/.exec(url);
    if (!match) return { urls: url };
    return { urls: `${match[1]}:${match[4]}`, username: match[2]!, credential: match[3]! };
  });
}
