/** What every stream is owed: the service level objective. */
import type { RunFigures } from './report.ts';

export interface Objective {
  /** Of the slowest stream. */
  readonly masksPerSecond: number;
  /** 95th percentile of all streams' frame-to-mask latency with waits, ms. */
  readonly frameToMaskP95Ms: number;
  /** How far the mean IoU may lie below that of one stream alone. */
  readonly iouLoss: number;
}

export const OBJECTIVE: Objective = { masksPerSecond: 5, frameToMaskP95Ms: 300, iouLoss: 0.02 };

/**
 * @param aloneIou mean IoU of one stream alone; undefined when that is the run in question.
 * @returns what the run missed, in words; nothing when it met the objective.
 */
export function missesOf(run: RunFigures, objective: Objective, aloneIou: number | undefined): string[] {
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
  if (aloneIou !== undefined && (run.iou === undefined || run.iou < aloneIou - objective.iouLoss)) {
    misses.push(`IoU was ${run.iou?.toFixed(3) ?? 'not known'}, of one stream alone ${aloneIou.toFixed(3)}`);
  }
  return misses;
}
