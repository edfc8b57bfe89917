/** From a configuration to a server that serves: model, media workers, HTTP. The root wires; nothing else does. */
import { fileURLToPath } from 'node:url';
import { AvsacError } from '../shared/errors.ts';
import { type App, createApp, type Service } from './app.ts';
import { type Config, iceServersOf } from './config.ts';
import { readModel } from './inference/manifest.ts';
import { type OrtSegmenter, startOrtSegmenter } from './inference/ort-segmenter.ts';
import { serveSegmenter } from './inference/port-segmenter.ts';
import { Admission } from './session/admission.ts';
import { SessionRegistry } from './session/session-registry.ts';
import { Access } from './signalling/access.ts';
import { Metrics } from './telemetry/metrics.ts';

const CLIENT_FOLDER = fileURLToPath(new URL('../dist-client', import.meta.url));

export interface RunningServer {
  /** Where a browser finds the page. */
  readonly url: string;
  /** Refuses new sessions, lets the open ones go within the drain time, ends everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Listens at once, so that health checks see the server while its model loads, and resolves when it is ready.
 * @throws AvsacError `port-in-use`, `model-*`, `provider-unavailable`, `decoder-unavailable`
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const admission = new Admission(config.maxSessions);
  const metrics = new Metrics();
  let service: (Service & { readonly registry: SessionRegistry; readonly segmenter: OrtSegmenter }) | undefined;
  const app = await createApp({
    admission,
    access: new Access(config.tokens),
    metrics,
    service: () => service,
    clientFolder: CLIENT_FOLDER,
    logLevel: config.logLevel,
  });
  await listen(app, config);
  if (config.tokens.length === 0) app.log.info('no tokens are set: WHIP and the results feeds serve this machine only');
  try {
    service = await startService(config, admission, metrics, app);
  } catch (error) {
    await app.close();
    throw error;
  }
  const { registry, segmenter } = service;
  let closing: Promise<void> | undefined;
  const shutDown = async () => {
    await registry.drain(config.drainMs);
    await registry.close();
    await segmenter.close();
    await app.close();
  };
  return {
    url: urlOf(app, config),
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
}

async function startService(config: Config, admission: Admission, metrics: Metrics, app: App) {
  const model = await readModel(config.model);
  const segmenter = await startOrtSegmenter({
    model,
    executionProviders: config.providers,
    inferenceWorkers: config.inferenceWorkers,
    // Runs side by side carry more than threads that share a run and wait for each other.
    intraOpThreads: 1,
    observer: {
      batch: (frames, inferenceMs) => metrics.batch(frames, inferenceMs),
      // Counted once, by the pipeline that receives the answer.
      dropped: () => {},
      failed: (requests, error) => app.log.error({ err: error, requests }, 'a model run failed'),
      queueDepth: (requests) => metrics.queueDepth(requests),
      threadCrashed: (cause, restarting) => app.log.error({ err: cause, restarting }, 'an inference thread crashed'),
    },
  });
  for (const { provider, reason } of segmenter.passedOver) {
    app.log.info({ provider, reason }, 'execution provider passed over');
  }
  app.log.info({ provider: segmenter.executionProvider, model: model.manifest.name }, 'model ready');
  const registry = new SessionRegistry(
    config.mediaWorkers,
    admission,
    {
      maskRateHz: config.maskRateHz,
      peer: {
        iceServers: iceServersOf(config),
        portRange: config.udpPorts,
        announcedAddresses: config.announcedAddresses,
        videoBitrateBps: 1000 * config.videoBitrateKbps,
      },
    },
    (port) => serveSegmenter(segmenter, port),
    {
      sessions: (open) => metrics.sessions(open),
      sessionOpened: (signalling) => metrics.sessionOpened(signalling),
      sessionEnded: (sessionId, reason) => {
        metrics.sessionEnded(reason);
        app.log.info({ sessionId, reason }, 'session ended');
      },
      telemetry: (batch) => metrics.add(batch),
      failure: (sessionId, message) => app.log.error({ sessionId }, message),
    },
  );
  try {
    await registry.ready();
  } catch (error) {
    await registry.close();
    await segmenter.close();
    throw error;
  }
  const { manifest } = model;
  return {
    registry,
    segmenter,
    ready: () => segmenter.ready,
    welcome: {
      iceServers: iceServersOf(config),
      maskRateHz: config.maskRateHz,
      model: {
        name: manifest.name,
        version: manifest.version,
        classes: manifest.classes,
        inputWidth: manifest.inputs.image.width,
        inputHeight: manifest.inputs.image.height,
        windowLength: manifest.windowLength,
        threshold: manifest.threshold,
        executionProvider: segmenter.executionProvider,
      },
    },
  };
}

async function listen(app: App, { host, port }: Config): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new AvsacError('port-in-use', `port ${port} on ${host}`, { cause: error });
    }
    throw error;
  }
}

function urlOf(app: App, { host }: Config): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return `http://${host === '127.0.0.1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${port}/`;
}
