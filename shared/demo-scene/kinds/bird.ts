import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { fraction } from '../random.ts';
import { hump, sine } from '../tone-synthesis.ts';

interface Design {
  readonly plumage: Tone;
  readonly belly: Tone;
  readonly wing: Tone;
  readonly beak: number;
  readonly crest: boolean;
  readonly plump: number;
  readonly tail: number;
}

interface Voice {
  readonly lowHz: number;
  readonly highHz: number;
  readonly noteS: number;
  /** Chances of a rising, a falling and else an arched note. */
  readonly rising: number;
  readonly falling: number;
}

export const bird = defineKind<Design, Voice>({
  name: 'bird',
  designs: [
    { plumage: [205, 75, 52], belly: [40, 80, 88], wing: [215, 70, 40], beak: 0.3, crest: false, plump: 1, tail: 0.5 },
    {
      plumage: [2, 75, 50],
      belly: [20, 70, 72],
      wing: [355, 65, 36],
      beak: 0.22,
      crest: true,
      plump: 1.05,
      tail: 0.55,
    },
    { plumage: [50, 90, 56], belly: [55, 90, 80], wing: [35, 80, 46], beak: 0.2, crest: false, plump: 1.1, tail: 0.4 },
    {
      plumage: [130, 45, 46],
      belly: [70, 65, 70],
      wing: [150, 50, 32],
      beak: 0.34,
      crest: true,
      plump: 0.95,
      tail: 0.6,
    },
    {
      plumage: [25, 35, 42],
      belly: [22, 70, 58],
      wing: [25, 35, 28],
      beak: 0.25,
      crest: false,
      plump: 1.08,
      tail: 0.45,
    },
    {
      plumage: [285, 40, 55],
      belly: [300, 45, 82],
      wing: [275, 45, 40],
      beak: 0.28,
      crest: true,
      plump: 0.98,
      tail: 0.5,
    },
    {
      plumage: [220, 12, 34],
      belly: [220, 8, 88],
      wing: [220, 14, 22],
      beak: 0.3,
      crest: false,
      plump: 0.95,
      tail: 0.65,
    },
    {
      plumage: [340, 65, 70],
      belly: [345, 60, 88],
      wing: [335, 55, 56],
      beak: 0.24,
      crest: false,
      plump: 1.04,
      tail: 0.5,
    },
    {
      plumage: [185, 60, 44],
      belly: [48, 85, 74],
      wing: [195, 60, 30],
      beak: 0.27,
      crest: true,
      plump: 1.06,
      tail: 0.45,
    },
    { plumage: [16, 80, 54], belly: [35, 60, 86], wing: [10, 65, 40], beak: 0.26, crest: false, plump: 1, tail: 0.6 },
  ],
  voices: [
    { lowHz: 2600, highHz: 4300, noteS: 0.13, rising: 0.8, falling: 0.1 },
    { lowHz: 3400, highHz: 5800, noteS: 0.1, rising: 0.1, falling: 0.8 },
    { lowHz: 2900, highHz: 5200, noteS: 0.17, rising: 0.2, falling: 0.2 },
    { lowHz: 4000, highHz: 6500, noteS: 0.12, rising: 0.4, falling: 0.4 },
    { lowHz: 2400, highHz: 3800, noteS: 0.15, rising: 0.3, falling: 0.6 },
    { lowHz: 3100, highHz: 6200, noteS: 0.19, rising: 0.6, falling: 0.3 },
    { lowHz: 2700, highHz: 5000, noteS: 0.11, rising: 0.5, falling: 0.3 },
    { lowHz: 3700, highHz: 5300, noteS: 0.14, rising: 0.2, falling: 0.5 },
    { lowHz: 3000, highHz: 4900, noteS: 0.14, rising: 0.6, falling: 0.2 },
    { lowHz: 3600, highHz: 6100, noteS: 0.12, rising: 0.2, falling: 0.6 },
  ],
  paint(brush, d, pose) {
    const beak = brush.lit([38, 92, 54], -0.6, 0);
    brush.line([-0.12, 0.6, -0.16, 0.95, -0.02, 0.95], 'hsla(30, 75%, 42%, 1)', 0.07);
    brush.line([0.14, 0.6, 0.14, 0.95, 0.28, 0.95], 'hsla(30, 75%, 42%, 1)', 0.07);
    brush.poly(
      [-0.4, 0.05, -0.48 - d.tail, -0.08 - 0.08 * pose.swing, -0.42 - d.tail, 0.22 - 0.08 * pose.swing, -0.36, 0.4],
      brush.lit(d.wing, -0.2, 0.4),
    );
    brush.poly([0.62, -0.5, 0.66 + d.beak, -0.36 - 0.1 * pose.gape, 0.58, -0.3], beak);
    brush.poly([0.6, -0.32, 0.6 + d.beak * 0.85, -0.26 + 0.12 * pose.gape, 0.55, -0.2], beak);
    if (d.crest)
      brush.poly(
        [0.12, -0.72, 0.02, -1, 0.22, -0.86, 0.26, -1, 0.38, -0.84, 0.5, -0.92, 0.46, -0.68],
        brush.lit(d.wing, -1, -0.6),
      );
    const body = brush.lit(d.plumage, -0.8, 0.7);
    brush.oval(0, 0.18, 0.62, 0.5 * d.plump, body, 0.05, -0.35);
    brush.oval(0.33, -0.42, 0.38, 0.38, body);
    brush.detail(() => {
      brush.oval(0.0, 0.14, 0.56, 0.44 * d.plump, body, 0, -0.35);
      brush.oval(0.16, 0.28, 0.38, 0.32 * d.plump, brush.lit(d.belly, 0, 0.7), 0, -0.5);
      brush.oval(0.43, -0.48, 0.1, 0.12, '#fff', 0.03);
      brush.oval(0.46, -0.47, 0.05, 0.06, '#111', 0);
    });
    brush.at(-0.02, 0.02, 0.25 - 0.3 * pose.swing, 1, 1, () => {
      brush.shape(
        (c) => {
          c.moveTo(0.16, -0.08);
          c.bezierCurveTo(0, -0.25, -0.5, -0.1, -0.66, 0.3);
          c.bezierCurveTo(-0.3, 0.42, 0.16, 0.38, 0.16, -0.08);
        },
        brush.lit(d.wing, -0.2, 0.4),
      );
    });
  },
  sound(v, timeS, seed) {
    const note = Math.floor(timeS / v.noteS);
    const t = timeS - note * v.noteS;
    const length = v.noteS * 0.78;
    const u = t / length;
    if (u >= 1) return 0;
    const choice = fraction(seed, note);
    const span = (v.highHz - v.lowHz) * (0.6 + 0.4 * fraction(seed + 1, note));
    let cycles: number;
    if (choice < v.rising) cycles = v.lowHz * t + (span * t * u) / 2;
    else if (choice < v.rising + v.falling) cycles = (v.lowHz + span) * t - (span * t * u) / 2;
    else cycles = v.lowHz * t + span * t * (2 * u - (4 / 3) * u * u);
    return 2.1 * hump(t, length, 0.012) * sine(cycles);
  },
});
