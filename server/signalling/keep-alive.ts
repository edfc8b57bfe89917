/** Notices that the other end of a WebSocket is gone: a dead TCP connection says nothing by itself. */
import type { WebSocket } from 'ws';

const PING_INTERVAL_MS = 15_000;

/** Ends the socket when two pings stay unanswered; stops when the socket closes. */
export function keepAlive(socket: WebSocket): void {
  let unanswered = 0;
  const ping = setInterval(() => {
    if (unanswered++ >= 2) socket.terminate();
    else socket.ping();
  }, PING_INTERVAL_MS);
  socket.on('pong', () => {
    unanswered = 0;
  });
  socket.once('close', () => clearInterval(ping));
}
