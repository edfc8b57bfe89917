/** Publishes a stream to the server, and keeps it published: signalling, peer session, reconnection. */
import type {
  ClientMessage,
  ControlMessage,
  ModelDescription,
  NoticeCode,
  ServerMessage,
} from '../shared/signalling.ts';
import { backOffMs } from './back-off.ts';
import { type Failure, failure, failureOfCloseCode, serverFailure } from './failure.ts';
import { PeerSession, type SendStats } from './peer-session.ts';

/**
 * `connecting` until masks can flow, `live` while they do, `reconnecting` between attempts and while ICE restarts,
 * `closed` for good.
 */
export type PublisherState = 'connecting' | 'live' | 'reconnecting' | 'closed';

export type Welcome = Extract<ServerMessage, { type: 'welcome' }>;

export interface PublisherListener {
  state(state: PublisherState): void;
  /** A new server session began: what is known of the earlier one's clock is void. */
  welcome(model: ModelDescription, welcome: Welcome): void;
  notice(code: NoticeCode, message: string): void;
  /** @param retryInMs wait before the next attempt; undefined when there will be none. */
  failure(failure: Failure, retryInMs: number | undefined): void;
  /** @param encodingMs `performance.now()` when the frame went into the encoder. */
  frameEncoded(rtpTimestamp: number, encodingMs: number): void;
  mask(bytes: Uint8Array, arrivalMs: number): void;
  control(message: ControlMessage): void;
}

/** The media connection must stand this soon after the socket was opened, ms. */
const CONNECT_TIMEOUT_MS = 15_000;
/** A connection that held this long starts the back-off afresh, ms. */
const STABLE_MS = 10_000;

export class Publisher {
  readonly #url: string;
  readonly #stream: MediaStream;
  readonly #listener: PublisherListener;
  #state: PublisherState = 'connecting';
  #socket: WebSocket | undefined;
  #session: PeerSession | undefined;
  #attempt = 0;
  #liveSinceMs: number | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #lastFailure: Failure | undefined;

  /**
   * Starts at once.
   * @param url of the server's signalling WebSocket, `ws:` or `wss:`.
   * @param stream its tracks are sent as they are now; they are never stopped here.
   */
  constructor(url: string, stream: MediaStream, listener: PublisherListener) {
    this.#url = url;
    this.#stream = stream;
    this.#listener = listener;
    this.#connect();
  }

  get state(): PublisherState {
    return this.#state;
  }

  /** @returns undefined while there is no connection. */
  stats(): Promise<SendStats> | undefined {
    return this.#session?.stats();
  }

  /** Says goodbye and ends the connection. Idempotent. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#send({ type: 'bye' });
    this.#disconnect();
    clearTimeout(this.#retryTimer);
    this.#setState('closed');
  }

  #connect(): void {
    this.#lastFailure = undefined;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    let opened = false;
    socket.addEventListener('open', () => {
      opened = true;
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket && typeof data === 'string') this.#receive(JSON.parse(data) as ServerMessage);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (socket !== this.#socket) return;
      const cause = this.#lastFailure ?? failureOfCloseCode(code);
      this.#lose(
        cause ?? failure(opened ? 'connection-lost' : 'server-unreachable', `WebSocket closed: ${code} ${reason}`),
      );
    });
    this.#connectTimer = setTimeout(
      () => this.#lose(failure(opened ? 'media-unreachable' : 'server-unreachable', 'timed out')),
      CONNECT_TIMEOUT_MS,
    );
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#listener.welcome(message.model, message);
        this.#session = this.#openSession(message);
        break;
      case 'answer':
        this.#session?.answer(message.sdp);
        break;
      case 'candidate':
        this.#session?.addCandidate(message.candidate);
        break;
      case 'notice':
        this.#listener.notice(message.code, message.message);
        break;
      case 'error':
        // Kept until the socket closes, which says whether the session goes on.
        this.#lastFailure = serverFailure(message.code, message.message);
        if (this.#lastFailure.fatal) this.#lose(this.#lastFailure);
        break;
      case 'bye':
        this.#lose(this.#lastFailure ?? failure('connection-lost', message.reason));
        break;
    }
  }

  #openSession(welcome: Welcome): PeerSession {
    const session: PeerSession = new PeerSession(this.#stream, welcome.iceServers, {
      send: (message) => this.#send(message),
      connected: () => {
        clearTimeout(this.#connectTimer);
        this.#liveSinceMs ??= performance.now();
        this.#setState('live');
      },
      stumbled: () => {
        this.#setState('reconnecting');
        this.#listener.failure(failure('connection-lost', 'restarting ICE'), undefined);
      },
      failed: (code, detail) => this.#lose(failure(code, detail)),
      frameEncoded: (rtpTimestamp, encodingMs) => this.#listener.frameEncoded(rtpTimestamp, encodingMs),
      mask: (bytes, arrivalMs) => this.#listener.mask(bytes, arrivalMs),
      control: (message) => this.#listener.control(message),
    });
    return session;
  }

  #send(message: ClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Ends this connection and, unless the failure is fatal, plans the next. */
  #lose(cause: Failure): void {
    if (this.#state === 'closed') return;
    this.#disconnect();
    if (cause.fatal) {
      this.#setState('closed');
      this.#listener.failure(cause, undefined);
      return;
    }
    if (this.#liveSinceMs !== undefined && performance.now() - this.#liveSinceMs > STABLE_MS) this.#attempt = 0;
    this.#liveSinceMs = undefined;
    const waitMs = backOffMs(this.#attempt++, Math.random());
    this.#setState('reconnecting');
    this.#listener.failure(cause, waitMs);
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
  }

  #disconnect(): void {
    clearTimeout(this.#connectTimer);
    this.#session?.close();
    this.#session = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #setState(state: PublisherState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.state(state);
  }
}
