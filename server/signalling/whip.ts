/** WHIP, the WebRTC-HTTP Ingestion Protocol (RFC 9725): how OBS, GStreamer and FFmpeg publish. Guide: docs/whip.md. */
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import { Type } from 'typebox';
import { AvsacError } from '../../shared/errors.ts';
import { RESULTS_RELATION } from '../../shared/results.ts';
import { MAX_OFFER_CHARACTERS, MAX_SIGNALLING_BYTES } from '../../shared/signalling.ts';
import { resultsPath } from '../results/results-feed.ts';
import type { SessionHost } from '../session/session-registry.ts';
import type { Access } from './access.ts';
import { problems, SECURITY } from './problem.ts';
import { FRAGMENT_MEDIA_TYPE } from './sdp-fragment.ts';
import type { WelcomeInfo } from './websocket.ts';
import { checkOffer, WhipSession } from './whip-session.ts';

const ENDPOINT = '/whip';
const SESSION = `${ENDPOINT}/:sessionId`;
const OFFER_MEDIA_TYPE = 'application/sdp';
const ENDPOINT_METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS'];
const SESSION_METHODS = ['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export interface WhipParts {
  readonly access: Access;
  /** Undefined while the model loads. */
  service(): { readonly registry: SessionHost; readonly welcome: Pick<WelcomeInfo, 'iceServers'> } | undefined;
}

interface SessionParams {
  readonly sessionId: string;
}

/** Adds the WHIP endpoint and its sessions to `app`. */
export async function serveWhip(app: FastifyInstance, { access, service }: WhipParts): Promise<void> {
  const sessions = new Map<string, WhipSession>();

  app.removeAllContentTypeParsers();
  for (const mediaType of [OFFER_MEDIA_TYPE, FRAGMENT_MEDIA_TYPE]) {
    app.addContentTypeParser(mediaType, { parseAs: 'string' }, (_request, body, done) => done(null, body));
  }
  const authorised = {
    bodyLimit: MAX_SIGNALLING_BYTES,
    onRequest: async (request: FastifyRequest) => access.check(request),
  };
  const find = ({ sessionId }: SessionParams): WhipSession => {
    const session = sessions.get(sessionId);
    if (session === undefined) throw new AvsacError('session-unknown');
    return session;
  };

  app.post(ENDPOINT, { ...authorised, schema: PUBLISH }, async (request, reply) => {
    reply.header('accept-post', OFFER_MEDIA_TYPE);
    takeOnly(OFFER_MEDIA_TYPE, request);
    if (request.accepts().type(OFFER_MEDIA_TYPE) === false) throw new AvsacError('not-acceptable', OFFER_MEDIA_TYPE);
    const running = service();
    if (running === undefined) throw new AvsacError('server-starting');
    const offer = request.body as string;
    checkOffer(offer);
    const session = new WhipSession(running.registry, (sessionId) => sessions.delete(sessionId));
    const { sessionId } = session;
    sessions.set(sessionId, session);
    const answer = await session.publish(offer);
    // Who hung up meanwhile will never send media.
    if (request.socket.destroyed) void session.close('client-left');
    return reply
      .code(201)
      .headers({ location: `${ENDPOINT}/${sessionId}`, etag: session.etag })
      .header('link', [
        ...running.welcome.iceServers.map(iceServerLink),
        `<${resultsPath(sessionId)}>; rel="${RESULTS_RELATION}"`,
      ])
      .type(OFFER_MEDIA_TYPE)
      .send(answer);
  });

  app.patch<{ Params: SessionParams }>(SESSION, { ...authorised, schema: CHANGE }, async (request, reply) => {
    const session = find(request.params);
    reply.header('accept-patch', FRAGMENT_MEDIA_TYPE);
    takeOnly(FRAGMENT_MEDIA_TYPE, request);
    const restarted = await session.patch(request.headers['if-match'], request.body as string);
    if (restarted === undefined) return reply.code(204).send();
    return reply.header('etag', restarted.etag).type(FRAGMENT_MEDIA_TYPE).send(restarted.fragment);
  });

  app.delete<{ Params: SessionParams }>(SESSION, { ...authorised, schema: END }, async (request, reply) => {
    await find(request.params).close('client-left');
    return reply.send();
  });

  // They have no representation (RFC 9725 §4.1).
  app.get(ENDPOINT, { ...authorised, schema: EMPTY }, (_request, reply) => reply.code(204).send());
  app.get<{ Params: SessionParams }>(SESSION, { ...authorised, schema: EMPTY_SESSION }, (request, reply) => {
    find(request.params);
    return reply.code(204).send();
  });

  app.options(ENDPOINT, { schema: OPTIONS }, (_request, reply) =>
    reply.headers({ allow: ENDPOINT_METHODS.join(', '), 'accept-post': OFFER_MEDIA_TYPE }).send(),
  );
  app.options(SESSION, { schema: OPTIONS }, (_request, reply) =>
    reply.headers({ allow: SESSION_METHODS.join(', '), 'accept-patch': FRAGMENT_MEDIA_TYPE }).send(),
  );
  refuseOtherMethods(app, ENDPOINT, ENDPOINT_METHODS);
  refuseOtherMethods(app, SESSION, SESSION_METHODS);
}

/** @throws AvsacError `media-type-unsupported` */
function takeOnly(mediaType: string, request: FastifyRequest): void {
  const given = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (given !== mediaType) throw new AvsacError('media-type-unsupported', `send ${mediaType}`);
}

/** RFC 9725 §4.6. */
function iceServerLink({ urls, username, credential }: WelcomeInfo['iceServers'][number]): string {
  const parameters =
    username === undefined ? '' : `; username=${quoted(username)}; credential=${quoted(credential ?? '')}`;
  return `<${urls}>; rel="ice-server"${parameters}${username === undefined ? '' : '; credential-type="password"'}`;
}

/** RFC 9110 §5.6.4. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** RFC 9110 §15.5.6; before the body is looked at. */
function refuseOtherMethods(app: FastifyInstance, url: string, known: readonly string[]): void {
  app.route({
    method: METHODS.filter((method) => !known.includes(method)) as HTTPMethods[],
    url,
    schema: { hide: true },
    onRequest: async (_request, reply) => {
      reply.header('allow', known.join(', '));
      throw new AvsacError('method-not-allowed');
    },
    handler: () => {},
  });
}

const guarded = { tags: ['whip'], security: SECURITY };
const text = (description: string, mediaType: string, headers: Readonly<Record<string, unknown>> = {}) => ({
  description,
  headers,
  content: { [mediaType]: { schema: Type.String() } },
});
const header = (description: string) => Type.String({ description });
const params = Type.Object({ sessionId: Type.String({ maxLength: 64 }) });

const PUBLISH = {
  operationId: 'publish',
  summary: 'Publish audio and video (RFC 9725)',
  ...guarded,
  body: { content: { [OFFER_MEDIA_TYPE]: { schema: Type.String({ minLength: 1, maxLength: MAX_OFFER_CHARACTERS }) } } },
  response: {
    201: text('The answer, with every candidate of the server', OFFER_MEDIA_TYPE, {
      Location: header('The WHIP session'),
      ETag: header('The ICE session'),
      Link: header(`ICE servers (rel="ice-server") and the results feed (rel="${RESULTS_RELATION}")`),
    }),
    ...problems(400, 401, 403, 406, 413, 415, 422, 429, 500, 503),
  },
} as const;

const CHANGE = {
  operationId: 'changeIce',
  summary: 'Add ICE candidates, or restart ICE',
  ...guarded,
  params,
  headers: Type.Object({ 'if-match': Type.Optional(header('ETag of the ICE session, or * to restart ICE')) }),
  body: { content: { [FRAGMENT_MEDIA_TYPE]: { schema: Type.String({ minLength: 1 }) } } },
  response: {
    200: text('ICE has been restarted: credentials and candidates of the server', FRAGMENT_MEDIA_TYPE, {
      ETag: header('The new ICE session'),
    }),
    204: { description: 'The candidates were taken', type: 'null' },
    ...problems(400, 401, 403, 404, 409, 412, 413, 415, 428, 429, 500),
  },
} as const;

const END = {
  operationId: 'unpublish',
  summary: 'End the session',
  ...guarded,
  params,
  response: { 200: { description: 'It has ended', type: 'null' }, ...problems(401, 403, 404, 429) },
} as const;

const empty = {
  response: { 204: { description: 'It is there', type: 'null' }, ...problems(401, 403, 404, 429) },
} as const;
const EMPTY = { operationId: 'endpoint', summary: 'Nothing: publish with POST', ...guarded, ...empty } as const;
const EMPTY_SESSION = {
  operationId: 'session',
  summary: 'Whether the session is open',
  ...guarded,
  params,
  ...empty,
} as const;
const OPTIONS = {
  summary: 'What this address takes (CORS preflight too)',
  tags: guarded.tags,
  response: { 200: { description: 'Nothing but headers', type: 'null' } },
} as const;
