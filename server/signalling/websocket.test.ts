import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { AvsacError } from '../../shared/errors.ts';
import type { ClientMessage, ServerMessage } from '../../shared/signalling.ts';
import type { SessionClient, SessionHost } from '../session/session-registry.ts';
import { parseClientMessage, serveWebSocket, type WelcomeInfo } from './websocket.ts';

const parse = (text: string) => parseClientMessage(Buffer.from(text), false);

describe('parseClientMessage', () => {
  it.each<ClientMessage>([
    { type: 'offer', sdp: 'v=0' },
    { type: 'candidate', candidate: null },
    { type: 'candidate', candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null } },
    { type: 'bye' },
  ])('takes %j', (message) => {
    expect(parse(JSON.stringify(message))).toEqual(message);
  });

  it.each([
    ['', 'message-invalid'],
    ['{', 'message-invalid'],
    ['null', 'message-invalid'],
    ['{"type":"hello"}', 'message-invalid'],
    ['{"type":"offer"}', 'message-invalid'],
    ['{"type":"offer","sdp":7}', 'message-invalid'],
    ['{"type":"offer","sdp":""}', 'message-invalid'],
    [`{"type":"offer","sdp":"${'x'.repeat(200_001)}"}`, 'message-invalid'],
    ['{"type":"bye","and":"more"}', 'message-invalid'],
    ['{"type":"candidate","candidate":{"candidate":"c","sdpMLineIndex":-1}}', 'message-invalid'],
  ])('refuses %.60s', (text, code) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses binary messages, valid or not', () => {
    const bye = Buffer.from('{"type":"bye"}');
    expect(() => parseClientMessage(bye, true)).toThrow(expect.objectContaining({ code: 'binary-message' }));
  });

  it.each([
    ['[]', 'type must be one of offer,candidate,bye'],
    ['{"type":"hello"}', 'type must be one of offer,candidate,bye'],
    ['{"type":"offer"}', 'offer must have required properties sdp'],
    ['{"type":"offer","sdp":7}', 'offer/sdp must be string'],
    ['{"type":"bye","and":"more"}', 'bye/and is not a field of it'],
  ])('says what is wrong with %s', (text, detail) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ detail }));
  });

  it('throws nothing but the project’s errors, whatever comes', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string({ unit: 'binary' }).map((sdp) => `{"type":"offer","sdp":${sdp}}`),
    );
    const message = fc.oneof(
      text.map((value) => Buffer.from(value)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc
        .record({ type: fc.constantFrom('offer', 'candidate', 'bye'), sdp: fc.anything(), candidate: fc.anything() })
        .map((value) => Buffer.from(fc.stringify(value))),
    );
    fc.assert(
      fc.property(message, fc.boolean(), (data, isBinary) => {
        try {
          expect(['offer', 'candidate', 'bye']).toContain(parseClientMessage(data, isBinary).type);
        } catch (error) {
          expect(error).toBeInstanceOf(AvsacError);
          expect((error as AvsacError).code).toBe(isBinary ? 'binary-message' : 'message-invalid');
        }
      }),
      { numRuns: 100 },
    );
  });
});

const WELCOME: WelcomeInfo = {
  iceServers: [],
  maskRateHz: 10,
  model: {
    name: 'm',
    version: '1',
    classes: ['sounding'],
    inputWidth: 8,
    inputHeight: 8,
    windowLength: 5,
    threshold: 0.5,
    executionProvider: 'cpu',
  },
};

/** The side of ws that serving uses. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly sent: ServerMessage[] = [];
  readonly closings: [code: number, reason: string][] = [];
  pings = 0;
  terminated = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code: number, reason: string): void {
    this.closings.push([code, reason]);
    this.readyState = 2;
  }

  ping(): void {
    this.pings++;
  }

  terminate(): void {
    this.terminated = true;
    this.emit('close');
  }
}

class FakeHost implements SessionHost {
  client!: SessionClient;
  readonly received: ClientMessage[] = [];
  readonly closings: string[] = [];

  open(client: SessionClient) {
    this.client = client;
    return {
      sessionId: 'id',
      receive: (message: ClientMessage) => void this.received.push(message),
      close: (reason: string) => void this.closings.push(reason),
    };
  }
}

function serve(host: SessionHost = new FakeHost()) {
  const socket = new FakeSocket();
  serveWebSocket(socket as unknown as WebSocket, host, WELCOME);
  return socket;
}

describe('serveWebSocket', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('welcomes, and passes messages both ways', () => {
    const host = new FakeHost();
    const socket = serve(host);
    socket.emit('message', Buffer.from('{"type":"offer","sdp":"v=0"}'), false);
    host.client.send({ type: 'answer', sdp: 'a' });
    expect(socket.sent).toEqual([
      { type: 'welcome', sessionId: 'id', ...WELCOME },
      { type: 'answer', sdp: 'a' },
    ]);
    expect(host.received).toEqual([{ type: 'offer', sdp: 'v=0' }]);
  });

  it('answers a bad message with an error, and goes on', () => {
    const host = new FakeHost();
    const socket = serve(host);
    socket.emit('message', Buffer.from('nonsense'), false);
    socket.emit('message', Buffer.from([1, 2]), true);
    expect(socket.sent.slice(1)).toMatchObject([
      { type: 'error', code: 'message-invalid' },
      { type: 'error', code: 'binary-message' },
    ]);
    expect(socket.closings).toEqual([]);
    expect(host.closings).toEqual([]);
  });

  it.each(['server-full', 'server-draining'] as const)('refuses with %s and its close code', (code) => {
    const error = new AvsacError(code);
    const socket = serve({
      open: () => {
        throw error;
      },
    });
    expect(socket.sent).toEqual([{ type: 'error', code, message: error.message }]);
    expect(socket.closings).toEqual([[error.entry.closeCode, code]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps the details of its own errors to itself', () => {
    const socket = serve({
      open: () => {
        throw new TypeError('a secret');
      },
    });
    expect(JSON.stringify(socket.sent)).not.toContain('secret');
    expect(socket.closings).toEqual([[1011, 'internal']]);
  });

  it('says goodbye when the session has ended, or why it failed', () => {
    const [ended, failed] = [new FakeHost(), new FakeHost()];
    const [endedSocket, failedSocket] = [serve(ended), serve(failed)];
    ended.client.ended('client-left', undefined);
    failed.client.ended('peer-timeout', 'peer-timeout');
    expect(endedSocket.sent.at(-1)).toEqual({ type: 'bye', reason: 'client-left' });
    expect(endedSocket.closings).toEqual([[1000, 'client-left']]);
    expect(failedSocket.sent.at(-1)).toMatchObject({ type: 'error', code: 'peer-timeout' });
    expect(failedSocket.closings).toEqual([[4015, 'peer-timeout']]);
    ended.client.send({ type: 'candidate', candidate: null });
    expect(endedSocket.sent.at(-1)).toEqual({ type: 'bye', reason: 'client-left' });
  });

  it.each(['bye', 'close'] as const)('ends the session on %s', (how) => {
    const host = new FakeHost();
    const socket = serve(host);
    if (how === 'bye') socket.emit('message', Buffer.from('{"type":"bye"}'), false);
    else socket.emit('close');
    expect(host.closings).toEqual(['client-left']);
    expect(host.received).toEqual([]);
  });

  it('ends the session of a client that answers two pings no more', () => {
    const host = new FakeHost();
    const socket = serve(host);
    vi.advanceTimersByTime(15_000);
    socket.emit('pong');
    vi.advanceTimersByTime(30_000);
    expect(socket.pings).toBe(3);
    expect(socket.terminated).toBe(false);
    vi.advanceTimersByTime(15_000);
    expect(socket.terminated).toBe(true);
    expect(host.closings).toEqual(['client-left']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('outlives an error of the socket', () => {
    expect(() => serve().emit('error', new RangeError('Max payload size exceeded'))).not.toThrow();
  });
});
