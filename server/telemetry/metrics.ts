/** The server's Prometheus metrics (exposition format 0.0.4). Names and meanings: docs/operations.md. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { COUNTERS, DROP_REASONS, MEASURES, type TelemetryBatch } from './telemetry.ts';

/** Seconds; spans a fast stage (0.5 ms) to the longest deadline. */
const DURATION_BUCKETS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2];
const BATCH_BUCKETS = [1, 2, 4, 8, 16];

const metricName = (name: string) => name.replaceAll('-', '_');

export class Metrics {
  readonly #registry = new Registry();
  readonly #drops: Counter<'reason'>;
  readonly #counters = new Map<string, Counter>();
  readonly #durations = new Map<string, Histogram>();
  readonly #sessions: Gauge;
  readonly #sessionStarts: Counter<'signalling'>;
  readonly #sessionEnds: Counter<'reason'>;
  readonly #batchSize: Histogram;
  readonly #batchDuration: Histogram;
  readonly #queueDepth: Gauge;

  constructor() {
    const registers = [this.#registry];
    // Its timer for the loop's delay would wake an idle server a hundred times a second.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 });
    this.#drops = new Counter({
      name: 'avsac_drops_total',
      help: 'Work dropped, by reason',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of Object.keys(DROP_REASONS)) this.#drops.inc({ reason }, 0);
    for (const [name, help] of Object.entries(COUNTERS)) {
      this.#counters.set(name, new Counter({ name: `avsac_${metricName(name)}_total`, help, registers }));
    }
    for (const [name, help] of Object.entries(MEASURES)) {
      this.#durations.set(
        name,
        new Histogram({ name: `avsac_${metricName(name)}_seconds`, help, buckets: DURATION_BUCKETS_S, registers }),
      );
    }
    this.#sessions = new Gauge({ name: 'avsac_sessions', help: 'Sessions open now', registers });
    this.#sessionStarts = new Counter({
      name: 'avsac_session_starts_total',
      help: 'Sessions opened, by signalling',
      labelNames: ['signalling'],
      registers,
    });
    this.#sessionEnds = new Counter({
      name: 'avsac_session_ends_total',
      help: 'Sessions ended, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.#batchSize = new Histogram({
      name: 'avsac_batch_frames',
      help: 'Frames in a model run',
      buckets: BATCH_BUCKETS,
      registers,
    });
    this.#batchDuration = new Histogram({
      name: 'avsac_batch_seconds',
      help: 'Duration of a model run',
      buckets: DURATION_BUCKETS_S,
      registers,
    });
    this.#queueDepth = new Gauge({ name: 'avsac_segment_queue', help: 'Windows waiting for the model', registers });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Adds what a thread collected since its last batch. */
  add(batch: TelemetryBatch): void {
    for (const [reason, count] of Object.entries(batch.drops)) this.#drops.inc({ reason }, count);
    for (const [name, count] of Object.entries(batch.counts)) this.#counters.get(name)?.inc(count);
    for (const [name, values] of Object.entries(batch.observations)) {
      for (const valueMs of values) this.#durations.get(name)?.observe(valueMs / 1000);
    }
  }

  batch(frames: number, durationMs: number): void {
    this.#batchSize.observe(frames);
    this.#batchDuration.observe(durationMs / 1000);
  }

  queueDepth(windows: number): void {
    this.#queueDepth.set(windows);
  }

  sessions(open: number): void {
    this.#sessions.set(open);
  }

  sessionOpened(signalling: 'websocket' | 'whip'): void {
    this.#sessionStarts.inc({ signalling });
  }

  sessionEnded(reason: string): void {
    this.#sessionEnds.inc({ reason });
  }

  /** The exposition text. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
