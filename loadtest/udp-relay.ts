/** Stands between one client and one server: every datagram passes through it, both ways, late or not at all. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Decides on each datagram: passed on after so many ms, or lost (undefined). */
export type Fate = (datagram: Uint8Array, from: 'client' | 'server') => number | undefined;

export class UdpRelay {
  readonly #client: Socket = createSocket('udp4');
  readonly #server: Socket = createSocket('udp4');
  readonly #fate: Fate;
  #clientInfo: RemoteInfo | undefined;
  #closed = false;
  lost = 0;

  constructor(fate: Fate) {
    this.#fate = fate;
  }

  /** @returns the port that stands for the server's. */
  async open(serverAddress: string, serverPort: number): Promise<number> {
    this.#client.on('message', (datagram, info) => {
      this.#clientInfo = info;
      this.#pass(datagram, 'client', () => this.#server.send(datagram, serverPort, serverAddress));
    });
    this.#server.on('message', (datagram) => {
      const to = this.#clientInfo;
      if (to !== undefined) this.#pass(datagram, 'server', () => this.#client.send(datagram, to.port, to.address));
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

  #pass(datagram: Uint8Array, from: 'client' | 'server', send: () => void): void {
    const delayMs = this.#fate(datagram, from);
    if (delayMs === undefined) this.lost++;
    else if (delayMs === 0) send();
    else setTimeout(() => this.#closed || send(), delayMs);
  }
}
