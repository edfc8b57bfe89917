/** Tries a server with more and more streams, until it is known how many it carries and what holds it back. */
import { type Bracket, largestMeeting, trialsLeft } from './capacity.ts';
import { iouLossOf, missesOf, OBJECTIVE } from './objective.ts';
import type { Report, RunFigures, Trial } from './report.ts';
import type { RunProgress } from './run.ts';

/** Of the capacity: latency must stay bounded when more come. */
const OVERLOAD = 1.5;

/** Makes one run of that many streams. */
export type Load = (streams: number, progress: RunProgress) => Promise<RunFigures>;

/** @returns the run at the capacity, or of one stream when that is too many. */
export async function findCapacity(
  load: Load,
  progress: RunProgress,
): Promise<{ readonly capacity: NonNullable<Report['capacity']>; readonly run: RunFigures }> {
  const runs = new Map<number, RunFigures>();
  const trials: Trial[] = [];
  // One stream has masks of every third frame or so; what it lacks is taken from the next trials that met the objective.
  const iouByFrame = new Map<number, number>();
  let range = '';
  const attempt = async (streams: number): Promise<Trial> => {
    const run = await load(streams, (share, phase) => progress(share, `${range}: ${streams} streams, ${phase}`));
    runs.set(streams, run);
    return trialOf(run, iouByFrame);
  };
  const streams = await largestMeeting(
    async (count) => {
      const trial = await attempt(count);
      trials.push(trial);
      if (trial.misses.length > 0) return false;
      for (const [loopMs, iou] of runs.get(count)!.iouByFrame) {
        if (!iouByFrame.has(loopMs)) iouByFrame.set(loopMs, iou);
      }
      return true;
    },
    (bracket) => {
      range = describe(bracket);
    },
  );
  range = `capacity ${streams}, overload`;
  const overload = await attempt(Math.max(2, Math.ceil(OVERLOAD * streams)));
  return {
    capacity: { streams, verdict: verdictOf(streams, trials, runs), trials, overload },
    run: runs.get(Math.max(1, streams))!,
  };
}

function trialOf(run: RunFigures, known: ReadonlyMap<number, number>): Trial {
  const { streamsAsked, masksPerSecond, frameToMaskMs } = run;
  const iouLoss = iouLossOf(run, known);
  return {
    streams: streamsAsked,
    masksPerSecond,
    ...(frameToMaskMs !== undefined && { frameToMaskP95Ms: frameToMaskMs.p95 }),
    ...(iouLoss !== undefined && { iouLoss }),
    misses: missesOf(run, OBJECTIVE, iouLoss),
  };
}

function verdictOf(streams: number, trials: readonly Trial[], runs: ReadonlyMap<number, RunFigures>): string {
  const tooMany = trials.find((trial) => trial.streams === streams + 1);
  if (tooMany === undefined) return 'No limit was found.';
  return `With ${tooMany.streams}, ${tooMany.misses.join(', and ')}. ${runs.get(tooMany.streams)!.bottleneck}`;
}

function describe(bracket: Bracket): string {
  const { meets, misses } = bracket;
  if (misses === undefined) return `capacity >= ${meets}`;
  return `capacity ${meets} to ${misses - 1}, ${trialsLeft(bracket)} trials left`;
}
