import { describe, expect, it } from 'vitest';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { allocateModelInput } from '../inference/model-input.ts';
import { CloseUps } from './close-ups.ts';

const manifest = tinyManifest({ closeUps: true });

function input(look?: number) {
  const made = allocateModelInput(manifest);
  if (look !== undefined) made.looks.fill(look);
  made.hasCloseUp = look !== undefined;
  return made;
}

describe('CloseUps', () => {
  it('is due until one has been looked at, then when that is a second old', () => {
    const closeUps = new CloseUps(manifest.inputs.closeUp!);
    expect([closeUps.due(0), closeUps.due(100)]).toEqual([true, true]);
    closeUps.keep(input(1), 100);
    expect([closeUps.due(101), closeUps.due(1099), closeUps.due(1100)]).toEqual([false, false, true]);
    closeUps.keep(input(), 1100);
    expect(closeUps.due(1100)).toBe(true);
  });

  it('is due when the clock has been set back', () => {
    const closeUps = new CloseUps(manifest.inputs.closeUp!);
    closeUps.keep(input(1), 50_000);
    expect(closeUps.due(2_000)).toBe(true);
  });

  it('lends what the last one looked like, nothing before the first', () => {
    const closeUps = new CloseUps(manifest.inputs.closeUp!);
    const frame = input();
    closeUps.lend(frame, 0);
    expect(frame.looks.every(Number.isNaN)).toBe(true);
    closeUps.keep(input(4), 0);
    closeUps.lend(frame, 100);
    expect(frame.looks.every((look) => look === 4)).toBe(true);
  });

  it('looks at no second close-up that was taken before the first was answered', () => {
    const closeUps = new CloseUps(manifest.inputs.closeUp!);
    const [first, second] = [input(1), input(2)];
    closeUps.lend(first, 0);
    expect(first.hasCloseUp).toBe(true);
    closeUps.keep(first, 0);
    closeUps.lend(second, 100);
    expect(second.hasCloseUp).toBe(false);
  });
});
