/** Which local addresses and UDP ports a peer uses. */
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { AvsacError } from '../../shared/errors.ts';

/**
 * @param announced addresses to use in place of the machine's own.
 * @returns addresses of the host candidates; a loopback one only when the machine has no other, for then whoever
 *   reaches it is on the same machine.
 */
export function hostAddresses(announced: readonly string[]): string[] {
  if (announced.length > 0) return [...announced];
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  return own.length > 0 ? own : ['127.0.0.1'];
}

/**
 * The first free port of a range. Another may take it before it is bound: take turns.
 * @throws AvsacError `internal` when all are taken.
 */
export async function findFreePort([first, last]: readonly [number, number]): Promise<number> {
  for (let port = first; port <= last; port++) if (await isFree(port)) return port;
  throw new AvsacError('internal', `no UDP port is free in the range ${first}-${last}`);
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createSocket('udp4');
  socket.once('error', () => socket.close(() => resolve(false)));
  socket.bind(port, () => socket.close(() => resolve(true)));
  return promise;
}

let lastTurn: Promise<void> = Promise.resolve();

/**
 * One peer after the other finds a free port and binds it.
 * @returns call it when the sockets are bound, or will not be.
 */
export async function takeTurnToBind(): Promise<() => void> {
  const previous = lastTurn;
  const turn = Promise.withResolvers<void>();
  lastTurn = turn.promise;
  await previous;
  return turn.resolve;
}
