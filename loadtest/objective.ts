/** What every stream is owed: the service level objective. */
import type { RunFigures } from './report.ts';

export interface Objective {
  /** Of the slowest stream. */
  readonly masksPerSecond: number;
  /** 95th percentile of all streams' frame-to-mask latency with waits, ms. */
  readonly frameToMaskP95Ms: number;
  /** How far the IoU may lie below that of fewer streams, on the frames that both have masks of. */
  readonly iouLoss: number;
}

export const OBJECTIVE: Objective = { masksPerSecond: 5, frameToMaskP95Ms: 300, iouLoss: 0.02 };

/**
 * @param iouLoss against fewer streams; undefined when it is not known, and then not missed.
 * @returns what the run missed, in words; nothing when it met the objective.
 */
export function missesOf(run: RunFigures, objective: Objective, iouLoss: number | undefined): string[] {
  const misses: string[] = [];
  const refused = run.streamsAsked - run.streamsLive;
  const p95Ms = run.frameToMaskMs?.p95;
  if (refused > 0) misses.push(`${refused} of ${run.streamsAsked} streams were not carried to the end`);
  if (run.slowestStreamMasksPerSecond < objective.masksPerSecond) {
    misses.push(`the slowest stream had ${run.slowestStreamMasksPerSecond.toFixed(1)} masks/s`);
  }
  if (p95Ms === undefined || p95Ms >= objective.frameToMaskP95Ms) {
    misses.push(
      p95Ms === undefined ? 'no mask came' : `frame to mask took ${p95Ms.toFixed(0)} ms at the 95th percentile`,
    );
  }
  if (iouLoss !== undefined && iouLoss > objective.iouLoss) {
    misses.push(`IoU was ${iouLoss.toFixed(3)} lower than with fewer streams, frame by frame`);
  }
  return misses;
}

/**
 * Frame by frame, because some are much harder than others, and which third of them a stream has masks of is its own: means
 * over different frames of the same loop lie up to 0.03 apart.
 *
 * @param known IoU with fewer streams, by time within the loop, ms.
 * @returns how much lower the IoU is than known, on the frames of which it is; undefined without any.
 */
export function iouLossOf({ iouByFrame }: RunFigures, known: ReadonlyMap<number, number>): number | undefined {
  const losses = iouByFrame.flatMap(([loopMs, iou]) => {
    const before = known.get(loopMs);
    return before === undefined ? [] : before - iou;
  });
  return losses.length === 0 ? undefined : losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
