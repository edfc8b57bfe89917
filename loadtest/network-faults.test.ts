import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { fateOf, NO_FAULTS } from './network-faults.ts';
import { UdpRelay } from './udp-relay.ts';

const draws =
  (...values: number[]) =>
  () =>
    values.shift()!;

describe('network faults', () => {
  it('lose the share asked for, delay the rest, and spread them by the jitter', () => {
    const faults = { ...NO_FAULTS, loss: 0.1, delayMs: 20, jitterMs: 10 };
    expect(fateOf(faults, 0, draws(0.09))).toBeUndefined();
    expect(fateOf(faults, 0, draws(0.1, 0.5))).toBe(25);
    expect(fateOf(NO_FAULTS, 0, draws(0, 0.9))).toBe(0);
  });

  it('let nothing through in a blackout', () => {
    const faults = { ...NO_FAULTS, blackout: { startMs: 10, endMs: 20 } };
    expect([9, 10, 19, 20].map((nowMs) => fateOf(faults, nowMs, draws(0.5, 0.5)))).toEqual([
      0,
      undefined,
      undefined,
      0,
    ]);
  });
});

it('a relay passes datagrams both ways, each by its fate', async () => {
  const server = createSocket('udp4').bind(0, '127.0.0.1');
  const client = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(client, 'listening')]);
  const relay = new UdpRelay((datagram, from) => (from === 'client' && datagram[0] === 1 ? undefined : 0));
  const port = await relay.open('127.0.0.1', server.address().port);
  client.send(Uint8Array.of(1), port, '127.0.0.1');
  client.send(Uint8Array.of(2), port, '127.0.0.1');
  const [received, from] = (await once(server, 'message')) as [Buffer, { port: number }];
  expect([...received]).toEqual([2]);
  server.send(Uint8Array.of(1), from.port, '127.0.0.1');
  const [answered] = (await once(client, 'message')) as [Buffer];
  expect([...answered]).toEqual([1]);
  expect(relay.lost).toBe(1);
  relay.close();
  relay.close();
  server.close();
  client.close();
});
