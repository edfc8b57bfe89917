/** The segmenter saturated by sessions that each ask for the next mask when they have one: its throughput and latency. */
import { allocateModelInput } from '../../server/inference/model-input.ts';
import type { Segmenter } from '../../server/inference/segmenter.ts';

export interface SegmenterLoadFigures {
  readonly masksPerSecond: number;
  /** From request to reply, ms. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly meanBatchFrames: number;
}

export async function segmenterLoad(
  segmenter: Segmenter,
  sessions: number,
  durationMs: number,
): Promise<SegmenterLoadFigures> {
  const latenciesMs: number[] = [];
  let batchFrames = 0;
  const startMs = performance.now();
  const session = async (id: number): Promise<void> => {
    const input = allocateModelInput(segmenter.manifest);
    input.image.fill(id * 20);
    while (performance.now() - startMs < durationMs) {
      const requestMs = performance.now();
      const reply = await segmenter.segment({
        sessionId: `bench-${id}`,
        inputs: [input],
        deadlineMs: Number.POSITIVE_INFINITY,
      });
      if (reply.kind !== 'logits') throw new Error(`the segmenter dropped a frame: ${reply.reason}`);
      latenciesMs.push(performance.now() - requestMs);
      batchFrames += reply.batchSize;
    }
  };
  await Promise.all(Array.from({ length: sessions }, (_, id) => session(id)));
  const masksPerSecond = (latenciesMs.length * 1000) / (performance.now() - startMs);
  const meanBatchFrames = batchFrames / latenciesMs.length;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number => latenciesMs[Math.floor(share * (latenciesMs.length - 1))]!;
  return { masksPerSecond, p50Ms: at(0.5), p95Ms: at(0.95), meanBatchFrames };
}
