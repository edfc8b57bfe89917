/** What reuse of a window's older frames saves: the newest frame alone against the whole window, through the segmenter. */
import { allocateModelInput } from '../../server/inference/model-input.ts';
import type { ModelInput, Segmenter } from '../../server/inference/segmenter.ts';

export interface WindowCostFigures {
  /** Median run of the newest frame, ms. */
  readonly slidingMs: number;
  /** Median run of the whole window, ms. */
  readonly wholeWindowMs: number;
  /** slidingMs / wholeWindowMs. */
  readonly ratio: number;
}

/** @param rounds runs of each kind, alternating so that the machine's other load falls on both. */
export async function windowCost(segmenter: Segmenter, rounds: number): Promise<WindowCostFigures> {
  const window = Array.from({ length: segmenter.manifest.windowLength }, (_, frame) => {
    const input = allocateModelInput(segmenter.manifest);
    input.image.forEach((_, i) => {
      input.image[i] = (i * 7919 + frame * 13) % 251;
    });
    input.logMel.forEach((_, i) => {
      input.logMel[i] = Math.sin(i + frame) - 2;
    });
    return input;
  });
  const runMs = async (inputs: readonly ModelInput[]): Promise<number> => {
    const reply = await segmenter.segment({ sessionId: 'bench', inputs, deadlineMs: Number.POSITIVE_INFINITY });
    if (reply.kind !== 'logits') throw new Error(`the segmenter dropped a frame: ${reply.reason}`);
    return reply.inferenceMs;
  };
  const slidingMs: number[] = [];
  const wholeWindowMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    slidingMs.push(await runMs(window.slice(-1)));
    wholeWindowMs.push(await runMs(window));
  }
  const sliding = median(slidingMs);
  const whole = median(wholeWindowMs);
  return { slidingMs: sliding, wholeWindowMs: whole, ratio: sliding / whole };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
