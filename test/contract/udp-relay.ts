import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Forwards datagrams between one client and one server on loopback, and loses some. */
export class UdpRelay {
  readonly #client: Socket = createSocket('udp4');
  readonly #server: Socket = createSocket('udp4');
  readonly #loses: (datagram: Uint8Array) => boolean;
  lost = 0;
  port = 0;

  /** @param loses decides on each datagram from the client. */
  constructor(loses: (datagram: Uint8Array) => boolean) {
    this.#loses = loses;
  }

  async open(serverAddress: string, serverPort: number): Promise<void> {
    let clientPort = 0;
    let clientAddress = '';
    this.#client.on('message', (datagram, { address, port }) => {
      clientAddress = address;
      clientPort = port;
      if (this.#loses(datagram)) this.lost++;
      else this.#server.send(datagram, serverPort, serverAddress);
    });
    this.#server.on('message', (datagram) => {
      if (clientPort !== 0) this.#client.send(datagram, clientPort, clientAddress);
    });
    this.#client.bind(0);
    this.#server.bind(0);
    await Promise.all([once(this.#client, 'listening'), once(this.#server, 'listening')]);
    this.port = this.#client.address().port;
  }

  close(): void {
    this.#client.close();
    this.#server.close();
  }
}
