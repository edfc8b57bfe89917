/** Signalling over one WebSocket: JSON text in and out, validated at the door. Messages: docs/wire.md. */
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import type { RawData, WebSocket } from 'ws';
import { AvsacError, asAvsacError, type ErrorCode } from '../../shared/errors.ts';
import {
  type ClientMessage,
  ClientMessageSchema,
  type ModelDescription,
  type ServerMessage,
} from '../../shared/signalling.ts';
import type { SessionHandle, SessionHost } from '../session/session-registry.ts';
import { keepAlive } from './keep-alive.ts';

const NORMAL_CLOSURE = 1000;

const clientMessage = Compile(ClientMessageSchema);

/** What every client is told first. */
export interface WelcomeInfo {
  readonly iceServers: Extract<ServerMessage, { type: 'welcome' }>['iceServers'];
  readonly model: ModelDescription;
  readonly maskRateHz: number;
}

/**
 * @throws AvsacError `binary-message`, `message-invalid`
 */
export function parseClientMessage(data: RawData, isBinary: boolean): ClientMessage {
  if (isBinary) throw new AvsacError('binary-message');
  let message: unknown;
  try {
    message = JSON.parse(data.toString());
  } catch (error) {
    throw new AvsacError('message-invalid', error instanceof Error ? error.message : undefined);
  }
  if (!clientMessage.Check(message)) throw new AvsacError('message-invalid', faultOf(message));
  return message;
}

/** The first fault of the message, judged as the type it says it is. */
function faultOf(message: unknown): string {
  const { type } = Object(message) as { type?: unknown };
  const schema = ClientMessageSchema.anyOf.find(({ properties }) => properties.type.const === type);
  if (!schema) return `type must be one of ${ClientMessageSchema.anyOf.map((known) => known.properties.type.const)}`;
  const { instancePath, keyword, message: fault } = Value.Errors(schema, message)[0]!;
  return `${type}${instancePath} ${keyword === 'boolean' ? 'is not a field of it' : fault}`;
}

/** Tells a client why it cannot have a session, and hangs up. */
export function refuseWebSocket(socket: WebSocket, { code, publicMessage: message, entry }: AvsacError): void {
  socket.send(JSON.stringify({ type: 'error', code, message } satisfies ServerMessage));
  socket.close(entry.closeCode ?? NORMAL_CLOSURE, code);
}

/** Serves one client for as long as its socket lives. */
export function serveWebSocket(socket: WebSocket, registry: SessionHost, welcome: WelcomeInfo): void {
  const send = (message: ServerMessage) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
  const sendError = ({ code, publicMessage: message }: AvsacError) => send({ type: 'error', code, message });

  let session: SessionHandle;
  try {
    const ended = (reason: string, code: ErrorCode | undefined) => {
      if (code !== undefined) return refuseWebSocket(socket, new AvsacError(code));
      send({ type: 'bye', reason });
      socket.close(NORMAL_CLOSURE, reason);
    };
    session = registry.open({ send, ended }, 'websocket');
  } catch (error) {
    refuseWebSocket(socket, asAvsacError(error));
    return;
  }
  send({ type: 'welcome', sessionId: session.sessionId, ...welcome });

  keepAlive(socket);
  socket.on('message', (data, isBinary) => {
    try {
      const message = parseClientMessage(data, isBinary);
      if (message.type === 'bye') session.close('client-left');
      else session.receive(message);
    } catch (error) {
      sendError(asAvsacError(error));
    }
  });
  // `close` always follows; ws reports an oversized message here and closes with 1009 by itself.
  socket.on('error', () => {});
  socket.once('close', () => session.close('client-left'));
}
