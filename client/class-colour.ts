/** Colours of a model's classes. */

/** Golden angle, degrees: hues of successive classes lie as far apart as they can. */
const HUE_STEP = 137.5;

/**
 * @param colour any CSS colour: that of class 0, and of class 1, before which there is only a background.
 * @returns a CSS colour; relative, so that hues stay in CSS whatever notation `colour` is given in.
 */
export function classColour(colour: string, classIndex: number): string {
  const turn = Math.max(0, classIndex - 1) * HUE_STEP;
  return turn === 0 ? colour : `oklch(from ${colour} l c calc(h + ${turn}))`;
}
