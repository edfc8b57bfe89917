/** The HTTP face: page, signalling by WebSocket and WHIP, results feeds, health and metrics; all of it in /openapi.json. */
import { existsSync } from 'node:fs';
import accepts from '@fastify/accepts';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyError, type FastifyInstance, type LogLevel } from 'fastify';
import { AvsacError } from '../shared/errors.ts';
import { MAX_SIGNALLING_BYTES } from '../shared/signalling.ts';
import { API_DESCRIPTION, LIVE, METRICS, OPENAPI, PROBLEM_TYPE, READY } from './openapi.ts';
import { serveResults } from './results/results-feed.ts';
import type { Admission } from './session/admission.ts';
import type { SessionGallery, SessionHost } from './session/session-registry.ts';
import type { Access } from './signalling/access.ts';
import { ERRORS_PATH, ProblemSchema, problemType, sendProblem } from './signalling/problem.ts';
import { refuseWebSocket, serveWebSocket, type WelcomeInfo } from './signalling/websocket.ts';
import { serveWhip } from './signalling/whip.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Requests a minute from one address: far above a person reloading, far below a flood. */
const REQUESTS_PER_MINUTE = 3000;

export type App = FastifyInstance;

/** What serves sessions, once the model is warm. */
export interface Service {
  readonly registry: SessionHost & SessionGallery;
  readonly welcome: WelcomeInfo;
  /** False when the model can no longer answer. */
  ready(): boolean;
}

export interface AppParts {
  readonly admission: Admission;
  readonly access: Access;
  readonly metrics: Metrics;
  /** Undefined while the model loads. */
  service(): Service | undefined;
  /** Folder with the built page. */
  readonly clientFolder: string;
  readonly logLevel: LogLevel;
}

/** @returns the application, not yet listening. */
export async function createApp(parts: AppParts): Promise<App> {
  const app = Fastify({
    logger: { level: parts.logLevel },
    forceCloseConnections: true,
  });

  app.setErrorHandler<FastifyError | AvsacError>(sendProblem);
  app.setNotFoundHandler((request, reply) => sendProblem(new AvsacError('route-unknown'), request, reply));

  await app.register(helmet, {
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        // Browsers do not agree that 'self' covers WebSockets of the same origin.
        connectSrc: ["'self'", 'ws:', 'wss:'],
        workerSrc: ["'self'"],
        mediaSrc: ["'self'", 'blob:'],
        imgSrc: ["'self'", 'data:', 'blob:'],
        styleSrc: ["'self'"],
        // The server speaks plain HTTP; a proxy in front of it adds TLS and this header.
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
  });
  await app.register(rateLimit, {
    max: REQUESTS_PER_MINUTE,
    timeWindow: '1 minute',
    errorResponseBuilder: () => new AvsacError('rate-limited'),
  });
  await app.register(websocket, { options: { maxPayload: MAX_SIGNALLING_BYTES } });
  await app.register(accepts);
  await app.register(swagger, API_DESCRIPTION);
  app.addSchema(ProblemSchema);

  app.get('/ws', { websocket: true }, (socket) => {
    const service = parts.service();
    if (service) serveWebSocket(socket, service.registry, service.welcome);
    else refuseWebSocket(socket, new AvsacError('server-starting'));
  });
  // Health checks and metrics come every few seconds and say nothing when they succeed.
  const logLevel = parts.logLevel === 'error' || parts.logLevel === 'silent' ? parts.logLevel : 'warn';
  app.get('/livez', { logLevel, schema: LIVE }, () => ({ status: 'live' }));
  app.get('/readyz', { logLevel, schema: READY }, async (_request, reply) => {
    const service = parts.service();
    if (parts.admission.draining) return reply.code(503).send({ status: 'draining' });
    if (!service) return reply.code(503).send({ status: 'starting' });
    if (!service.ready()) return reply.code(503).send({ status: 'model-failed' });
    return { status: 'ready', model: service.welcome.model };
  });
  app.get('/metrics', { logLevel, schema: METRICS }, async (_request, reply) => {
    return reply.type(parts.metrics.contentType).send(await parts.metrics.text());
  });

  app.get<{ Params: { code: string } }>(`${ERRORS_PATH}/:code`, { schema: PROBLEM_TYPE }, ({ params }) =>
    problemType(params.code),
  );
  app.get('/openapi.json', { schema: OPENAPI }, () => app.swagger());

  await app.register(async (machines) => {
    const { access, metrics, service } = parts;
    await machines.register(cors, {
      origin: async (origin: string | undefined) => origin !== undefined && access.allowsOrigin(origin),
      methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', 'if-match'],
      exposedHeaders: ['location', 'etag', 'link', 'retry-after', 'accept-post', 'accept-patch', 'www-authenticate'],
      maxAge: 86_400,
      // The routes answer OPTIONS themselves, with what they take.
      strictPreflight: false,
      preflightContinue: true,
    });
    await machines.register((whip) => serveWhip(whip, { access, service }));
    const dropped = () => metrics.add({ drops: { 'feed-behind': 1 }, counts: {}, observations: {} });
    await serveResults(machines, { access, service, dropped });
  });

  if (existsSync(parts.clientFolder)) {
    await app.register(fastifyStatic, { root: parts.clientFolder });
  } else {
    app.get('/', { schema: { hide: true } }, (_request, reply) =>
      reply.code(503).type('text/plain').send('The page has not been built; run: npm run build:client\n'),
    );
  }
  return app;
}
