/** Operator: a mask that goes dark, or nearly, while its sound goes on is held for a moment. */
import { type MonoTypeOperatorFunction, map } from 'rxjs';
import type { ClassMask, MaskMessage } from '../../shared/mask-codec.ts';
import { areaOfRuns, overlapOfRuns } from '../../shared/rle.ts';
import type { EncodedMask } from './flow.ts';

/** Lips rest between two words for 40 to 240 ms. */
const HOLD_MS = 300;
/** The end of a patch this much quieter than the whole of it, dB, says that the sound has ended; 6 to 12 do alike. */
const ENDED_DB = 10;
/** A mask is the remainder of another when it has at most this share of its pixels, */
const REMAINING = 1 / 3;
/** and at least this share of its own pixels in common with it. One of two things of like size is none. */
const IN_COMMON = 0.8;

/**
 * A model that hears a voice in what moves (its manifest has `earlier` pictures) finds nobody while the lips rest. Its last mask
 * then stands for up to 300 ms, as long as the sound does not end and nothing else lights up. Times and sound stay the frame's own.
 */
export function stabilise(): MonoTypeOperatorFunction<EncodedMask> {
  let shown: EncodedMask | undefined;
  return map((mask) => {
    if (shown && soundGoesOn(mask) && isRemainder(mask.message, shown.message)) {
      const heldMs = mask.captureTimeMs - shown.captureTimeMs;
      // The timebase jumps back when the first sender report replaces arrival times.
      if (heldMs >= 0 && heldMs <= HOLD_MS) {
        const { classes, reduced } = shown.message;
        return { ...mask, message: { ...mask.message, classes, reduced } };
      }
    }
    shown = mask;
    return mask;
  });
}

function soundGoesOn({ levelDbfs, endLevelDbfs }: EncodedMask): boolean {
  return Number.isFinite(endLevelDbfs) && endLevelDbfs >= levelDbfs - ENDED_DB;
}

function isRemainder(mask: MaskMessage, of: MaskMessage): boolean {
  if (mask.width !== of.width || mask.height !== of.height) return false;
  // Classes do not overlap: each pixel has one.
  const area = areaOf(mask);
  const common = sum(mask.classes, ({ runs }) => sum(of.classes, (other) => overlapOfRuns(runs, other.runs)));
  return area <= REMAINING * areaOf(of) && common >= IN_COMMON * area;
}

const areaOf = ({ classes }: MaskMessage) => sum(classes, ({ runs }) => areaOfRuns(runs));

const sum = (classes: readonly ClassMask[], of: (mask: ClassMask) => number) =>
  classes.reduce((total, mask) => total + of(mask), 0);
