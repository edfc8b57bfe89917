import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { TAU } from '../random.ts';
import { strike } from '../tone-synthesis.ts';

interface Design {
  readonly metal: Tone;
  /** Half width at the shoulder and at the lip. */
  readonly shoulder: number;
  readonly lip: number;
  readonly top: 'loop' | 'handle' | 'bow';
  readonly bands: number;
}

interface Voice {
  readonly hz: number;
  readonly ratios: readonly number[];
  readonly decayS: number;
  readonly intervalS: number;
}

const CHURCH = [0.5, 1, 1.19, 1.5, 2, 2.74];
const HAND = [1, 2.0, 3.01, 4.1, 5.4];
const BRASS = [1, 1.58, 2.24, 2.92, 3.8, 4.6];

export const bell = defineKind<Design, Voice>({
  name: 'bell',
  designs: [
    { metal: [44, 85, 52], shoulder: 0.42, lip: 0.8, top: 'loop', bands: 1 },
    { metal: [24, 70, 45], shoulder: 0.36, lip: 0.72, top: 'handle', bands: 2 },
    { metal: [210, 12, 66], shoulder: 0.45, lip: 0.7, top: 'loop', bands: 2 },
    { metal: [48, 90, 60], shoulder: 0.38, lip: 0.86, top: 'bow', bands: 0 },
    { metal: [165, 35, 42], shoulder: 0.48, lip: 0.78, top: 'loop', bands: 3 },
    { metal: [38, 75, 42], shoulder: 0.4, lip: 0.66, top: 'handle', bands: 1 },
    { metal: [50, 60, 66], shoulder: 0.44, lip: 0.82, top: 'bow', bands: 2 },
    { metal: [18, 60, 40], shoulder: 0.4, lip: 0.75, top: 'loop', bands: 0 },
    { metal: [40, 80, 56], shoulder: 0.44, lip: 0.74, top: 'handle', bands: 3 },
    { metal: [200, 18, 58], shoulder: 0.38, lip: 0.78, top: 'bow', bands: 1 },
  ],
  voices: [
    { hz: 520, ratios: CHURCH, decayS: 0.7, intervalS: 0.62 },
    { hz: 880, ratios: HAND, decayS: 0.5, intervalS: 0.5 },
    { hz: 660, ratios: BRASS, decayS: 0.6, intervalS: 0.55 },
    { hz: 1150, ratios: HAND, decayS: 0.45, intervalS: 0.46 },
    { hz: 760, ratios: CHURCH, decayS: 0.8, intervalS: 0.7 },
    { hz: 430, ratios: BRASS, decayS: 0.75, intervalS: 0.64 },
    { hz: 980, ratios: BRASS, decayS: 0.5, intervalS: 0.58 },
    { hz: 600, ratios: HAND, decayS: 0.6, intervalS: 0.52 },
    { hz: 820, ratios: BRASS, decayS: 0.55, intervalS: 0.6 },
    { hz: 580, ratios: CHURCH, decayS: 0.65, intervalS: 0.57 },
  ],
  paint(brush, d, pose) {
    if (d.top === 'loop')
      brush.curve((c) => c.ellipse(0, -0.78, 0.15, 0.15, 0, 0, TAU), brush.plain(d.metal, -18), 0.11);
    if (d.top === 'handle') brush.box(-0.1, -1, 0.2, 0.45, 0.1, brush.lit([26, 55, 34], -1, -0.5));
    brush.oval(0.22 * pose.swing, 0.74, 0.17, 0.17, brush.lit([d.metal[0], 30, 30], 0.5, 0.95));
    brush.shape(
      (c) => {
        c.moveTo(-d.lip, 0.68);
        c.bezierCurveTo(-d.lip * 0.6, 0.45, -d.shoulder - 0.08, 0.1, -d.shoulder, -0.3);
        c.bezierCurveTo(-d.shoulder, -0.78, d.shoulder, -0.78, d.shoulder, -0.3);
        c.bezierCurveTo(d.shoulder + 0.08, 0.1, d.lip * 0.6, 0.45, d.lip, 0.68);
        c.quadraticCurveTo(0, 0.84, -d.lip, 0.68);
      },
      brush.round(d.metal, -d.lip, d.lip),
    );
    brush.detail(() => {
      for (let i = 0; i < d.bands; i += 1) {
        const y = 0.42 - 0.24 * i;
        const half = d.shoulder + (d.lip - d.shoulder) * (0.42 - 0.3 * i) * 0.75;
        brush.curve(
          (c) => {
            c.moveTo(-half, y);
            c.quadraticCurveTo(0, y + 0.14, half, y);
          },
          brush.plain(d.metal, -22),
          0.06,
        );
      }
      brush.curve(
        (c) => {
          c.moveTo(-d.shoulder * 0.55, -0.35);
          c.quadraticCurveTo(-d.shoulder * 0.75, 0, -d.shoulder * 0.85, 0.3);
        },
        'hsla(0, 0%, 100%, 0.55)',
        0.08,
      );
    });
    if (d.top === 'bow') {
      const ribbon = brush.lit([350, 75, 48], -1, -0.5);
      brush.poly([0, -0.72, -0.42, -0.98, -0.42, -0.52], ribbon);
      brush.poly([0, -0.72, 0.42, -0.98, 0.42, -0.52], ribbon);
      brush.oval(0, -0.73, 0.12, 0.12, ribbon);
    }
  },
  sound(v, timeS) {
    const beat = Math.floor(timeS / v.intervalS);
    let sum = 0;
    for (let back = 0; back < 2 && back <= beat; back += 1) {
      const t = timeS - (beat - back) * v.intervalS;
      for (let i = 0; i < v.ratios.length; i += 1) {
        const hz = v.hz * (v.ratios[i] as number);
        sum += (strike(t, 0.003, v.decayS / (1 + 0.35 * i)) * Math.sin(TAU * hz * t)) / (1 + 0.25 * i);
      }
    }
    return sum * 0.95;
  },
});
