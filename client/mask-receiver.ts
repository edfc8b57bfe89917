/** From messages of the mask channel to masks paired with the local frame each was computed from. */
import { serialDistance32 } from '../shared/clock.ts';
import { decodeMask, MASK_STAGES, type MaskMessage, type MaskStage } from '../shared/mask-codec.ts';
import { type FrameClock, FrameIdentifier, type UnpairedReason } from './frame-identifier.ts';
import type { LocalFrame } from './frame-ring.ts';
import type { Playout } from './playout.ts';
import { SampleWindow } from './sample-window.ts';

/** Why a mask that arrived is not drawn. */
export type MaskDropReason = UnpairedReason | 'undecodable' | 'out-of-order' | 'frame-late';

export interface PairedMask {
  readonly message: MaskMessage;
  readonly frame: LocalFrame;
  /** When the message arrived, `performance.now()`. */
  readonly arrivalMs: number;
  /** Capture of the frame to arrival of its mask, ms. */
  readonly frameToMaskMs: number;
}

/** Counters run from the receiver's start; rates and percentiles cover the last {@link FIGURES_SPAN_MS}. */
export interface MaskFigures {
  readonly received: number;
  readonly paired: number;
  /** Paired / received, 0..1; undefined before the first. */
  readonly pairedShare: number | undefined;
  /** Sequence numbers that never came: dropped by the network, as the channel may. */
  readonly lost: number;
  readonly drops: Readonly<Partial<Record<MaskDropReason, number>>>;
  readonly rateHz: number;
  readonly frameToMaskP50Ms: number | undefined;
  readonly frameToMaskP95Ms: number | undefined;
  readonly stagesP50Ms: Readonly<Partial<Record<MaskStage, number>>>;
  /** What tells which frame a mask belongs to; undefined before anything did. */
  readonly frameClock: FrameClock | undefined;
  /** Share of masks that the silence gate answered, 0..1, within the span. */
  readonly gatedShare: number | undefined;
}

/** Masks that wait for a frame which has yet to come through the page; when full the oldest leaves as `frame-late`. */
const AWAITING_CAPACITY = 8;

export const FIGURES_SPAN_MS = 10_000;

export class MaskReceiver {
  readonly #playout: Playout<PairedMask>;
  readonly #identifier: FrameIdentifier;
  readonly #onMask: (mask: PairedMask) => void;
  readonly #drops = new Map<MaskDropReason, number>();
  readonly #arrivals = new SampleWindow(FIGURES_SPAN_MS);
  readonly #latencies = new SampleWindow(FIGURES_SPAN_MS);
  readonly #gated = new SampleWindow(FIGURES_SPAN_MS);
  readonly #stages = new Map<MaskStage, SampleWindow>(
    MASK_STAGES.map((stage) => [stage, new SampleWindow(FIGURES_SPAN_MS)]),
  );
  readonly #awaiting: { readonly message: MaskMessage; readonly arrivalMs: number }[] = [];
  #firstSequence: number | undefined;
  #newestSequence = 0;
  #received = 0;
  #paired = 0;

  /** @param timeOriginMs `performance.timeOrigin`. */
  constructor(playout: Playout<PairedMask>, timeOriginMs: number, onMask: (mask: PairedMask) => void) {
    this.#playout = playout;
    this.#identifier = new FrameIdentifier(playout.ring, timeOriginMs);
    this.#onMask = onMask;
  }

  /** @param arrivalMs `performance.now()`. Never throws: what cannot be used is counted. */
  receive(bytes: Uint8Array, arrivalMs: number): void {
    let message: MaskMessage;
    try {
      message = decodeMask(bytes);
    } catch {
      this.#drop('undecodable');
      return;
    }
    this.#received++;
    this.#arrivals.add(arrivalMs, 1);
    this.#gated.add(arrivalMs, message.gated ? 1 : 0);
    for (const stage of MASK_STAGES) this.#stages.get(stage)!.add(arrivalMs, message.stagesMs[stage]);
    this.#firstSequence ??= message.sequence;
    if (this.#received === 1 || serialDistance32(message.sequence, this.#newestSequence) > 0) {
      this.#newestSequence = message.sequence;
    }
    if (!this.#pair(message, arrivalMs)) this.#await(message, arrivalMs);
  }

  /** @param encodingMs `performance.now()` when the frame of that RTP timestamp went into the encoder. */
  frameEncoded(rtpTimestamp: number, encodingMs: number): void {
    this.#identifier.frameEncoded(rtpTimestamp, encodingMs);
  }

  /** To be called when a frame has joined the ring: masks may have waited for it. */
  frameAdded(): void {
    while (this.#awaiting[0] !== undefined && this.#pair(this.#awaiting[0].message, this.#awaiting[0].arrivalMs)) {
      this.#awaiting.shift();
    }
  }

  figures(nowMs: number): MaskFigures {
    const expected =
      this.#firstSequence === undefined ? 0 : serialDistance32(this.#newestSequence, this.#firstSequence) + 1;
    return {
      received: this.#received,
      paired: this.#paired,
      pairedShare: this.#received === 0 ? undefined : this.#paired / this.#received,
      lost: Math.max(0, expected - this.#received),
      drops: Object.fromEntries(this.#drops),
      rateHz: this.#arrivals.rateHz(nowMs),
      frameToMaskP50Ms: this.#latencies.percentile(0.5, nowMs),
      frameToMaskP95Ms: this.#latencies.percentile(0.95, nowMs),
      stagesP50Ms: Object.fromEntries(
        [...this.#stages].flatMap(([stage, samples]) => {
          const p50 = samples.percentile(0.5, nowMs);
          return p50 === undefined ? [] : [[stage, p50]];
        }),
      ),
      frameClock: this.#identifier.clock,
      gatedShare: this.#gated.mean(nowMs),
    };
  }

  /** @returns false when the frame has yet to come. */
  #pair(message: MaskMessage, arrivalMs: number): boolean {
    const frame = this.#identifier.identify(message);
    if (frame === 'frame-awaited') return false;
    if (typeof frame === 'string') {
      this.#drop(frame);
      return true;
    }
    this.#paired++;
    const frameToMaskMs = arrivalMs - frame.captureTimeMs;
    this.#latencies.add(arrivalMs, frameToMaskMs);
    const mask = { message, frame, arrivalMs, frameToMaskMs };
    if (!this.#playout.addMask(mask, frame, arrivalMs)) this.#drop('out-of-order');
    this.#onMask(mask);
    return true;
  }

  #await(message: MaskMessage, arrivalMs: number): void {
    this.#awaiting.push({ message, arrivalMs });
    if (this.#awaiting.length <= AWAITING_CAPACITY) return;
    this.#awaiting.shift();
    this.#drop('frame-late');
  }

  #drop(reason: MaskDropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }
}
