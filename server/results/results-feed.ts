/** The results of any session, for machines: Server-Sent Events or a WebSocket of JSON lines. Guide: docs/results-feed.md. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { WebSocket } from 'ws';
import { AvsacError, asAvsacError } from '../../shared/errors.ts';
import { FeedLineSchema } from '../../shared/results.ts';
import type { SessionGallery } from '../session/session-registry.ts';
import type { Access } from '../signalling/access.ts';
import { keepAlive } from '../signalling/keep-alive.ts';
import { problems, SECURITY } from '../signalling/problem.ts';
import { refuseWebSocket } from '../signalling/websocket.ts';
import { FeedListener, type FeedSink } from './feed-listener.ts';

const EVENT_STREAM = 'text/event-stream';
const NORMAL_CLOSURE = 1000;
/** A comment this often keeps proxies from hanging up, and notices a listener that is gone. */
const COMMENT_INTERVAL_MS = 15_000;

export const resultsPath = (sessionId: string): string => `/sessions/${sessionId}/results`;

export interface ResultsParts {
  readonly access: Access;
  /** Undefined while the model loads. */
  service(): { readonly registry: SessionGallery } | undefined;
  /** A listener was too slow for a result. */
  dropped(): void;
}

const SessionsSchema = Type.Object({
  sessions: Type.Array(
    Type.Object({
      sessionId: Type.String(),
      signalling: Type.Union([Type.Literal('websocket'), Type.Literal('whip')]),
      openedAt: Type.String({ format: 'date-time' }),
      listeners: Type.Integer({ minimum: 0 }),
      results: Type.String({ description: 'Path of its results feed' }),
    }),
  ),
});

const FeedParamsSchema = Type.Object({ sessionId: Type.String({ maxLength: 64 }) });
const FeedQuerySchema = Type.Object(
  { rate: Type.Optional(Type.Number({ minimum: 0.01, maximum: 30, description: 'Results a second at most' })) },
  { additionalProperties: false },
);
interface FeedRoute {
  readonly Params: Static<typeof FeedParamsSchema>;
  readonly Querystring: Static<typeof FeedQuerySchema>;
}
type FeedRequest = FastifyRequest<FeedRoute>;

/** Adds the list of sessions and their feeds to `app`. */
export async function serveResults(app: FastifyInstance, { access, service, dropped }: ResultsParts): Promise<void> {
  const onRequest = async (request: FastifyRequest) => access.check(request);
  const gallery = (): SessionGallery => {
    const running = service();
    if (running === undefined) throw new AvsacError('server-starting');
    return running.registry;
  };

  app.get('/sessions', { onRequest, schema: LIST }, (): Static<typeof SessionsSchema> => {
    const sessions = gallery()
      .list()
      .map(({ sessionId, signalling, openedAt, watchers }) => ({
        sessionId,
        signalling,
        openedAt: openedAt.toISOString(),
        listeners: watchers,
        results: resultsPath(sessionId),
      }));
    return { sessions };
  });

  /** @returns ends the listening. */
  const listen = ({ params, query }: FeedRequest, sink: FeedSink): (() => void) =>
    gallery().watch(params.sessionId, new FeedListener(sink, query.rate, dropped));

  app.route<FeedRoute>({
    method: 'GET',
    url: resultsPath(':sessionId'),
    exposeHeadRoute: false,
    schema: FOLLOW,
    onRequest,
    handler: (request, reply) => {
      if (request.accepts().type(EVENT_STREAM) === false) throw new AvsacError('not-acceptable', EVENT_STREAM);
      const events = new EventStream(reply);
      const leave = listen(request, events);
      events.begin(leave);
      return reply;
    },
    wsHandler: (socket: WebSocket, request: FeedRequest) => {
      socket.on('error', () => {});
      try {
        socket.once('close', listen(request, socketSink(socket)));
        keepAlive(socket);
      } catch (error) {
        refuseWebSocket(socket, asAvsacError(error));
      }
    },
  });
}

function socketSink(socket: WebSocket): FeedSink {
  return {
    write: (_type, line, taken) => socket.send(line, taken),
    end: () => socket.close(NORMAL_CLOSURE, 'session-ended'),
  };
}

/** Server-Sent Events (HTML §9.2) on a reply that Fastify lets go of. */
class EventStream implements FeedSink {
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
    this.#response = reply.raw;
  }

  /** @param left called once when the connection is over. */
  begin(left: () => void): void {
    this.#reply.hijack();
    // Of the plugins, which set them on the reply.
    for (const [name, value] of Object.entries(this.#reply.getHeaders())) {
      if (value !== undefined) this.#response.setHeader(name, value);
    }
    // nginx holds back what it proxies unless told.
    const headers = { 'content-type': EVENT_STREAM, 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
    this.#response.writeHead(200, headers);
    this.#response.flushHeaders();
    const comment = setInterval(() => this.#response.write(':\n\n'), COMMENT_INTERVAL_MS);
    this.#response.once('close', () => {
      clearInterval(comment);
      left();
    });
  }

  write(type: 'result' | 'notice' | 'end', line: string, taken: () => void): void {
    // Results are events without a name, which EventSource gives to `onmessage`.
    const name = type === 'result' ? '' : `event: ${type}\n`;
    this.#response.write(`${name}data: ${line}\n\n`, () => taken());
  }

  end(): void {
    this.#response.end();
  }
}

const guarded = { tags: ['results'], security: SECURITY };

const LIST = {
  operationId: 'listSessions',
  summary: 'Open sessions, and where their results are',
  ...guarded,
  response: { 200: { description: 'The sessions, oldest first', ...SessionsSchema }, ...problems(401, 403, 429, 503) },
} as const;

const FOLLOW = {
  operationId: 'followSession',
  summary: 'The results of a session as they are made',
  description:
    'Server-Sent Events: results are events without a name, `notice` and `end` have theirs; the data of each is one JSON object. ' +
    'The same address as a WebSocket sends each JSON object as one text message.',
  ...guarded,
  params: FeedParamsSchema,
  querystring: FeedQuerySchema,
  response: {
    200: {
      description: 'Events; the data of each is a FeedLine',
      content: { [EVENT_STREAM]: { schema: FeedLineSchema } },
    },
    ...problems(400, 401, 403, 404, 406, 429, 503),
  },
} as const;
