/** A publisher's side of the signalling WebSocket (docs/wire.md). */
import { WebSocket } from 'ws';
import type { ClientMessage, ServerMessage } from '../shared/signalling.ts';

export interface SignallingListener {
  message(message: ServerMessage): void;
  /** Called once, also when the server could not be reached. @param code of the error table, or the socket's close code. */
  closed(code: string): void;
}

export class Signalling {
  readonly #socket: WebSocket;
  #error: string | undefined;

  /** @param url of the WebSocket. */
  constructor(url: string, token: string | undefined, listener: SignallingListener) {
    this.#socket = new WebSocket(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    this.#socket.on('message', (data) => {
      const message = JSON.parse(data.toString()) as ServerMessage;
      if (message.type === 'error') this.#error = message.code;
      listener.message(message);
    });
    this.#socket.on('error', ({ message }) => {
      this.#error ??= message;
    });
    this.#socket.once('close', (code) => listener.closed(this.#error ?? `close code ${code}`));
  }

  send(message: ClientMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
