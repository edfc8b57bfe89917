/** Operator: a mask that goes dark while its sound goes on is held for a moment. */
import { type MonoTypeOperatorFunction, map } from 'rxjs';
import type { ClassMask } from '../../shared/mask-codec.ts';
import { decodeRuns } from '../../shared/rle.ts';
import type { EncodedMask } from './flow.ts';

/** Lips rest between two words for 40 to 240 ms. */
const HOLD_MS = 300;
/** The end of a patch this much quieter than the whole of it, dB, says that the sound has ended; 6 to 12 do alike. */
const ENDED_DB = 10;
/** A mask is the remainder of another when it has at most this share of its pixels, */
const REMAINING = 0.5;
/** and at least this share of its own pixels in common with it. */
const IN_COMMON = 0.8;

/**
 * A model that hears a voice in what moves (its manifest has `earlier` pictures) finds nobody while the lips rest. Its last mask
 * then stands for up to 300 ms, as long as the sound does not end and nothing else lights up. Times and sound stay the frame's own.
 */
export function stabilise(): MonoTypeOperatorFunction<EncodedMask> {
  let shown: { mask: EncodedMask; lit: Uint8Array } | undefined;
  return map((mask) => {
    const { message, captureTimeMs, levelDbfs, endLevelDbfs } = mask;
    const lit = litPixels(message.classes, message.width, message.height);
    const sounds = endLevelDbfs >= levelDbfs - ENDED_DB && Number.isFinite(endLevelDbfs);
    if (shown && sounds && captureTimeMs - shown.mask.captureTimeMs <= HOLD_MS && isRemainder(lit, shown.lit)) {
      const { width, height, classes, reduced } = shown.mask.message;
      return { ...mask, message: { ...message, width, height, classes, reduced } };
    }
    shown = { mask, lit };
    return mask;
  });
}

/** @returns 1 where any class is lit, [height, width]. */
function litPixels(classes: readonly ClassMask[], width: number, height: number): Uint8Array {
  const lit = new Uint8Array(width * height);
  const one = new Uint8Array(width * height);
  for (const { runs } of classes) {
    decodeRuns(runs, width, height, one);
    for (let i = 0; i < lit.length; i++) lit[i]! |= one[i]!;
  }
  return lit;
}

function isRemainder(lit: Uint8Array, of: Uint8Array): boolean {
  if (lit.length !== of.length) return false;
  let own = 0;
  let others = 0;
  let common = 0;
  for (let i = 0; i < lit.length; i++) {
    own += lit[i]!;
    others += of[i]!;
    common += lit[i]! & of[i]!;
  }
  return own <= REMAINING * others && common >= IN_COMMON * own;
}
