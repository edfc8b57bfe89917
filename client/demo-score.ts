/** Holds the masks that come back against what the demo scene knows to be true. */
import { type MaskMessage, paintClassMask } from '../shared/mask-codec.ts';
import type { PairedMask } from './mask-receiver.ts';
import { SampleWindow } from './sample-window.ts';
import { DEMO_HEIGHT, DEMO_WIDTH, type DemoSource } from './sources/demo-scene.ts';

/** Spans some three turns of the scene, ms. */
const SCORE_SPAN_MS = 60_000;
/** What sounded this long before an onset must not sound after it, ms: its mask would pass for a quick answer. */
const BEFORE_ONSET_MS = 250;
/** IoU from which on an onset is answered. */
const ANSWERED_IOU = 0.3;

export interface DemoFigures {
  /** How far the scene has come, ms. */
  readonly sceneTimeMs: number;
  /** Mean IoU of masks with the truth while something in view sounds, 0..1. */
  readonly iou: number | undefined;
  readonly iouMasks: number;
  /** Mean share of pixels lit while all is silent, 0..1. */
  readonly litWhileSilent: number | undefined;
  readonly silentMasks: number;
  /** Mean share of pixels lit while only something out of view sounds, 0..1. */
  readonly litWhileUnseen: number | undefined;
  /** From the instant something begins to sound until a mask with IoU >= 0.3 arrives, ms. */
  readonly onsetToMaskP50Ms: number | undefined;
  readonly onsetToMaskP95Ms: number | undefined;
}

/** Lit pixels of all classes together, row-major [height, width], 0 or 1. */
function paintUnion(message: MaskMessage): Uint8Array {
  const union = new Uint8Array(message.width * message.height);
  const bits = new Uint8Array(union.length);
  for (const classMask of message.classes) {
    paintClassMask(message, classMask, bits);
    for (let i = 0; i < union.length; i++) union[i]! |= bits[i]!;
  }
  return union;
}

export class DemoScore {
  readonly #source: DemoSource;
  readonly #ious = new SampleWindow(SCORE_SPAN_MS, 1024);
  readonly #silent = new SampleWindow(SCORE_SPAN_MS, 1024);
  readonly #unseen = new SampleWindow(SCORE_SPAN_MS, 1024);
  readonly #onsets = new SampleWindow(SCORE_SPAN_MS);
  readonly #truth = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
  #answeredTurnMs = -1;

  constructor(source: DemoSource) {
    this.#source = source;
  }

  add({ message, frame, arrivalMs }: PairedMask): void {
    const timeMs = this.#source.sceneTimeOf(frame.captureTimeMs);
    const { scene } = this.#source;
    const truth = scene.truth(timeMs);
    const lit = paintUnion(message);
    if (truth.sounding.length === 0) {
      const share = lit.reduce((sum, bit) => sum + bit, 0) / lit.length;
      (truth.silent ? this.#silent : this.#unseen).add(arrivalMs, share);
      return;
    }
    const iou = this.#iou(lit, message.width, message.height, timeMs);
    this.#ious.add(arrivalMs, iou);
    if (iou >= ANSWERED_IOU) this.#answer(timeMs, arrivalMs);
  }

  figures(nowMs: number): DemoFigures {
    return {
      sceneTimeMs: this.#source.sceneTimeOf(nowMs),
      iou: this.#ious.mean(nowMs),
      iouMasks: this.#ious.count(nowMs),
      litWhileSilent: this.#silent.mean(nowMs),
      silentMasks: this.#silent.count(nowMs),
      litWhileUnseen: this.#unseen.mean(nowMs),
      onsetToMaskP50Ms: this.#onsets.percentile(0.5, nowMs),
      onsetToMaskP95Ms: this.#onsets.percentile(0.95, nowMs),
    };
  }

  #iou(lit: Uint8Array, width: number, height: number, timeMs: number): number {
    const { canvas } = this.#truth;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    // Drawn in the frame's own proportions, then squeezed as the mask is.
    this.#truth.setTransform(width / DEMO_WIDTH, 0, 0, height / DEMO_HEIGHT, 0, 0);
    this.#source.scene.drawMask(this.#truth, DEMO_WIDTH, DEMO_HEIGHT, timeMs);
    const { data } = this.#truth.getImageData(0, 0, width, height);
    let both = 0;
    let either = 0;
    for (let i = 0; i < lit.length; i++) {
      const isTrue = data[4 * i]! >= 128;
      const isLit = lit[i] === 1;
      if (isTrue && isLit) both++;
      if (isTrue || isLit) either++;
    }
    return either === 0 ? 1 : both / either;
  }

  #answer(timeMs: number, arrivalMs: number): void {
    const { scene } = this.#source;
    const turn = scene.turnAt(timeMs);
    if (turn === null || turn.startMs === this.#answeredTurnMs) return;
    this.#answeredTurnMs = turn.startMs;
    const { sounding } = scene.truth(turn.startMs);
    const before = [BEFORE_ONSET_MS, 1].flatMap((ms) => scene.truth(Math.max(0, turn.startMs - ms)).sounding);
    if (before.some((id) => sounding.includes(id))) return;
    this.#onsets.add(arrivalMs, arrivalMs - this.#source.wallTimeOf(turn.startMs));
  }
}
