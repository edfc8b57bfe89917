/** The HTTP face: page, signalling WebSocket, health and metrics. */
import { existsSync } from 'node:fs';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance, type LogLevel } from 'fastify';
import { AvsacError, asAvsacError } from '../shared/errors.ts';
import { MAX_SIGNALLING_BYTES } from '../shared/signalling.ts';
import type { Admission } from './session/admission.ts';
import type { SessionHost } from './session/session-registry.ts';
import { refuseWebSocket, serveWebSocket, type WelcomeInfo } from './signalling/websocket.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Requests a minute from one address: far above a person reloading, far below a flood. */
const REQUESTS_PER_MINUTE = 3000;

export type App = FastifyInstance;

/** What serves sessions, once the model is warm. */
export interface Service {
  readonly registry: SessionHost;
  readonly welcome: WelcomeInfo;
  /** False when the model can no longer answer. */
  ready(): boolean;
}

export interface AppParts {
  readonly admission: Admission;
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

  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error.statusCode !== undefined && error.statusCode < 500 && !(error instanceof AvsacError)) {
      return reply.code(error.statusCode).send({ code: 'message-invalid', message: error.message });
    }
    const known = asAvsacError(error);
    if (known.entry.httpStatus >= 500) request.log.error({ err: error }, known.message);
    return reply.code(known.entry.httpStatus).send({ code: known.code, message: known.publicMessage });
  });

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

  app.get('/ws', { websocket: true }, (socket) => {
    const service = parts.service();
    if (service) serveWebSocket(socket, service.registry, service.welcome);
    else refuseWebSocket(socket, new AvsacError('server-starting'));
  });
  // Health checks and metrics come every few seconds and say nothing when they succeed.
  const polled = {
    logLevel: parts.logLevel === 'error' || parts.logLevel === 'silent' ? parts.logLevel : 'warn',
  } as const;
  app.get('/livez', polled, () => ({ status: 'live' }));
  app.get('/readyz', polled, async (_request, reply) => {
    const service = parts.service();
    if (parts.admission.draining) return reply.code(503).send({ status: 'draining' });
    if (!service) return reply.code(503).send({ status: 'starting' });
    if (!service.ready()) return reply.code(503).send({ status: 'model-failed' });
    return { status: 'ready', model: service.welcome.model };
  });
  app.get('/metrics', polled, async (_request, reply) => {
    return reply.type(parts.metrics.contentType).send(await parts.metrics.text());
  });

  if (existsSync(parts.clientFolder)) {
    await app.register(fastifyStatic, { root: parts.clientFolder });
  } else {
    app.get('/', (_request, reply) =>
      reply.code(503).type('text/plain').send('The page has not been built; run: npm run build:client\n'),
    );
  }
  return app;
}
