/** Finds the largest number of streams that meets an objective. */

/** No search goes beyond. */
export const MOST_STREAMS = 1000;

/** What is known: `meets` streams did, `misses` streams did not (undefined: not yet found). */
export interface Bracket {
  readonly meets: number;
  readonly misses: number | undefined;
}

/**
 * Doubles until the objective is missed, then halves the gap.
 * @param meets tries that many streams.
 * @param progress told before each trial.
 * @returns 0 when one stream is too many.
 */
export async function largestMeeting(
  meets: (streams: number) => Promise<boolean>,
  progress: (bracket: Bracket, streams: number) => void,
): Promise<number> {
  let bracket: Bracket = { meets: 0, misses: undefined };
  for (let streams = 1; ; ) {
    progress(bracket, streams);
    bracket = (await meets(streams)) ? { ...bracket, meets: streams } : { ...bracket, misses: streams };
    if (bracket.meets >= MOST_STREAMS || bracket.misses === bracket.meets + 1) return bracket.meets;
    streams =
      bracket.misses === undefined
        ? Math.min(2 * bracket.meets, MOST_STREAMS)
        : Math.floor((bracket.meets + bracket.misses) / 2);
  }
}

/** Trials still to come once the gap is known, at most. */
export function trialsLeft({ meets, misses }: Bracket): number | undefined {
  return misses === undefined ? undefined : Math.ceil(Math.log2(misses - meets));
}
