/**
 * Process entry: publishers of the demo scene at 640x480, 30 frames/s. On standard output: a line `settled`, a line `measured`,
 * then what came back as JSON.
 */
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import { MASK_STAGES } from '../../shared/mask-codec.ts';
import { LibwebrtcPublisher } from '../fixtures/libwebrtc-publisher.ts';

export interface StreamLoad {
  readonly url: string;
  readonly streams: number;
  /** Time measured, once everything has settled. */
  readonly durationMs: number;
  /** Something is always heard; or packets of silence, or none, so that the silence gate answers and the model does not run. */
  readonly sound: 'always' | 'silence' | 'none';
}

export interface StreamFigures {
  /** Of all streams together, those answered by the model unless without sound. */
  readonly masksPerSecond: number;
  /** From a frame's last packet to its mask leaving the server, by the stages each mask carries. */
  readonly frameToMaskP95Ms: number;
  readonly inferenceP50Ms: number;
}

/**
 * From the first masks on: the server has found its rate and the encoder its bitrate, and V8 has compiled what runs often, which
 * takes a tenth of a core before. What is of interest is a server that runs for days.
 */
const SETTLED_AFTER_MS = 25_000;

const { url, streams, durationMs, sound } = JSON.parse(process.argv[2]!) as StreamLoad;
const publishers = await Promise.all(
  Array.from({ length: streams }, (_, i) => {
    const scene = createDemoScene(9 + i);
    const heard = sound === 'silence' ? { ...scene, synthesise: (samples: Float32Array) => samples.fill(0) } : scene;
    return LibwebrtcPublisher.publish(url, heard, {
      frameRateHz: 30,
      audio: sound !== 'none',
      neverSilent: sound === 'always',
    });
  }),
);
await Promise.all(publishers.map((publisher) => publisher.masksReceived(1)));
await new Promise((resolve) => setTimeout(resolve, SETTLED_AFTER_MS));
const counts = publishers.map(({ masks }) => masks.length);
process.stdout.write('settled\n');
const measureMs = performance.now();
await new Promise((resolve) => setTimeout(resolve, durationMs));
const masks = publishers
  .flatMap((publisher, i) => publisher.masks.slice(counts[i]))
  .filter(({ gated }) => gated !== (sound === 'always'));
const seconds = (performance.now() - measureMs) / 1000;
process.stdout.write('measured\n');
await Promise.all(publishers.map((publisher) => publisher.close()));

const sorted = (values: number[]) => values.sort((a, b) => a - b);
const totals = sorted(masks.map(({ stagesMs }) => MASK_STAGES.reduce((sum, stage) => sum + stagesMs[stage], 0)));
const inferences = sorted(masks.map(({ stagesMs }) => stagesMs.inference));
const figures: StreamFigures = {
  masksPerSecond: masks.length / seconds,
  frameToMaskP95Ms: totals[Math.floor(0.95 * (totals.length - 1))]!,
  inferenceP50Ms: inferences[Math.floor(0.5 * (inferences.length - 1))]!,
};
process.stdout.write(JSON.stringify(figures), () => process.exit(0));
