/** A lossy, slow network between one client and one server: every datagram goes through it, both ways. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Blackout, NetworkFaults } from './network-faults.ts';

export class UdpRelay {
  readonly #client: Socket = createSocket('udp4');
  readonly #server: Socket = createSocket('udp4');
  readonly #faults: NetworkFaults;
  readonly #random: () => number;
  readonly #nowMs: () => number;
  #clientInfo: RemoteInfo | undefined;
  #closed = false;
  blackout: Blackout | undefined;
  lost = 0;

  /**
   * @param random in [0, 1).
   * @param nowMs the clock of `blackout`.
   */
  constructor(faults: NetworkFaults, nowMs: () => number, random: () => number = Math.random) {
    this.#faults = faults;
    this.#nowMs = nowMs;
    this.#random = random;
  }

  /** @returns the port that stands for the server's. */
  async open(serverAddress: string, serverPort: number): Promise<number> {
    this.#client.on('message', (datagram, info) => {
      this.#clientInfo = info;
      this.#pass(() => this.#server.send(datagram, serverPort, serverAddress));
    });
    this.#server.on('message', (datagram) => {
      const to = this.#clientInfo;
      if (to !== undefined) this.#pass(() => this.#client.send(datagram, to.port, to.address));
    });
    // A server that has gone is reported by ICMP; its datagrams are lost like others.
    for (const socket of [this.#client, this.#server]) socket.on('error', () => this.lost++);
    this.#client.bind(0);
    this.#server.bind(0);
    await Promise.all([once(this.#client, 'listening'), once(this.#server, 'listening')]);
    return this.#client.address().port;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.close();
    this.#server.close();
  }

  #pass(send: () => void): void {
    const { loss, delayMs, jitterMs } = this.#faults;
    const nowMs = this.#nowMs();
    const dark = this.blackout !== undefined && nowMs >= this.blackout.startMs && nowMs < this.blackout.endMs;
    if (dark || this.#random() < loss) {
      this.lost++;
      return;
    }
    const waitMs = delayMs + jitterMs * this.#random();
    if (waitMs === 0) send();
    else setTimeout(() => this.#closed || send(), waitMs);
  }
}
