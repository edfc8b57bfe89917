/** The demo scene as a camera: its picture from a canvas, its sound from WebAudio, both on one clock. */
import { createDemoScene, type DemoScene } from '../../shared/demo-scene/scene.ts';
import { failure, SourceError } from '../failure.ts';
import { type Source, stopTracks } from './source.ts';

export const DEMO_WIDTH = 640;
export const DEMO_HEIGHT = 480;
const FRAME_RATE = 30;
const SAMPLE_RATE_HZ = 48_000;
/** Sound is computed in pieces of this many samples: 100 ms. */
const CHUNK_SAMPLES = SAMPLE_RATE_HZ / 10;
/** and this far ahead, s: as long as the page's thread may be busy without a gap. */
const LOOK_AHEAD_S = 0.4;
/** Weight of one reading of the audio clock, which advances in steps of some 10 ms. */
const CLOCK_GAIN = 0.03;
/** An audio context that may run does so sooner than this, ms. */
const RESUME_MS = 500;
/** Pictures remembered for {@link DemoSource.sceneTimeOf}: 4 s. */
const DRAWS_KEPT = 4 * FRAME_RATE;

export interface DemoSource extends Source {
  readonly scene: DemoScene;
  /**
   * Scene time of the picture that a captured frame shows, ms.
   * @param captureTimeMs of the frame, on `performance.now()`'s timeline.
   */
  sceneTimeOf(captureTimeMs: number): number;
  /** When what sounds at `sceneTimeMs` was or will be captured, `performance.now()`. */
  wallTimeOf(sceneTimeMs: number): number;
}

/**
 * Scene time follows the audio context's clock, for sound cannot be hurried; while the context is not running,
 * as before the first gesture on the page, it follows `performance.now()`.
 */
class SceneClock {
  readonly #context: AudioContext;
  /** Audio context time minus `performance.now()`, s; smoothed. */
  #offsetS: number;
  /** Audio context time at scene time 0, s; a whole number of samples. */
  #originS: number;
  #running = false;

  constructor(context: AudioContext) {
    this.#context = context;
    this.#originS = 0;
    this.#offsetS = -performance.now() / 1000;
  }

  /** Audio context time at scene time 0, s; undefined while the context is not running. */
  get originS(): number | undefined {
    return this.#running ? this.#originS : undefined;
  }

  /** To be called regularly: keeps up with the audio clock. */
  observe(nowMs: number): void {
    if (this.#context.state !== 'running' || this.#context.currentTime === 0) {
      this.#running = false;
      return;
    }
    const offsetS = this.#context.currentTime - nowMs / 1000;
    if (this.#running) {
      this.#offsetS += (offsetS - this.#offsetS) * CLOCK_GAIN;
      return;
    }
    // The context has just begun or gone on: scene time continues from where it is.
    const sceneS = this.sceneTimeMs(nowMs) / 1000;
    this.#running = true;
    this.#offsetS = offsetS;
    this.#originS = Math.round((this.#context.currentTime - sceneS) * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ;
  }

  sceneTimeMs(nowMs: number): number {
    return Math.max(0, nowMs + (this.#offsetS - this.#originS) * 1000);
  }

  wallTimeMs(sceneTimeMs: number): number {
    return sceneTimeMs - (this.#offsetS - this.#originS) * 1000;
  }
}

/**
 * @param seed of the scene; equal seeds give equal scenes.
 * @throws SourceError `capture-unsupported`.
 */
export async function openDemoScene(seed: number): Promise<DemoSource> {
  const canvas = document.createElement('canvas');
  canvas.width = DEMO_WIDTH;
  canvas.height = DEMO_HEIGHT;
  const painter = canvas.getContext('2d', { alpha: false });
  if (painter === null || canvas.captureStream === undefined) throw new SourceError('capture-unsupported');
  const scene = createDemoScene(seed);
  const audio = new AudioContext({ sampleRate: SAMPLE_RATE_HZ, latencyHint: 'interactive' });
  const resume = () => audio.resume().catch(() => undefined);
  const gestures = new AbortController();
  for (const gesture of ['pointerdown', 'keydown']) addEventListener(gesture, resume, { signal: gestures.signal });
  // Stays pending without a gesture; then the scene begins in silence and sounds from the first gesture on.
  await Promise.race([resume(), new Promise((resolve) => setTimeout(resolve, RESUME_MS))]);
  const destination = new MediaStreamAudioDestinationNode(audio, { channelCount: 1 });
  const bus = new GainNode(audio);
  bus.connect(destination);

  const clock = new SceneClock(audio);
  const draws: { readonly timeMs: number; readonly sceneTimeMs: number }[] = [];
  let nextChunk = 0;
  const samples = new Float32Array(CHUNK_SAMPLES);

  const schedule = (originS: number) => {
    const chunkS = CHUNK_SAMPLES / SAMPLE_RATE_HZ;
    // Chunks whose time has passed while the page was busy are left out, so that sound stays with the picture.
    nextChunk = Math.max(nextChunk, Math.ceil((audio.currentTime - originS) / chunkS));
    while (originS + nextChunk * chunkS < audio.currentTime + LOOK_AHEAD_S) {
      scene.synthesise(samples, nextChunk * CHUNK_SAMPLES, SAMPLE_RATE_HZ);
      const buffer = new AudioBuffer({ length: CHUNK_SAMPLES, sampleRate: SAMPLE_RATE_HZ });
      buffer.copyToChannel(samples, 0);
      const chunk = new AudioBufferSourceNode(audio, { buffer });
      chunk.connect(bus);
      chunk.start(originS + nextChunk * chunkS);
      nextChunk++;
    }
  };

  const tick = () => {
    const timeMs = performance.now();
    clock.observe(timeMs);
    const sceneTimeMs = clock.sceneTimeMs(timeMs);
    scene.draw(painter, DEMO_WIDTH, DEMO_HEIGHT, sceneTimeMs);
    draws.push({ timeMs, sceneTimeMs });
    if (draws.length > DRAWS_KEPT) draws.shift();
    if (clock.originS !== undefined) schedule(clock.originS);
  };
  tick();
  const ticker = new Worker(new URL('./tick-worker.ts', import.meta.url), { type: 'module' });
  ticker.addEventListener('message', tick);
  ticker.postMessage(1000 / FRAME_RATE);

  const stream = new MediaStream([
    ...canvas.captureStream(FRAME_RATE).getVideoTracks(),
    ...destination.stream.getAudioTracks(),
  ]);
  for (const track of stream.getVideoTracks()) track.contentHint = 'motion';
  return {
    kind: 'demo',
    stream,
    notice: audio.state === 'running' ? undefined : failure('sound-waiting'),
    scene,
    sceneTimeOf(captureTimeMs) {
      const draw = draws.findLast(({ timeMs }) => timeMs <= captureTimeMs) ?? draws[0]!;
      return draw.sceneTimeMs;
    },
    wallTimeOf: (sceneTimeMs) => clock.wallTimeMs(sceneTimeMs),
    setAudible(audible) {
      if (audible) bus.connect(audio.destination);
      else bus.disconnect(audio.destination);
    },
    stop() {
      gestures.abort();
      ticker.terminate();
      stopTracks(stream);
      if (audio.state !== 'closed') audio.close().catch(() => undefined);
    },
  };
}
