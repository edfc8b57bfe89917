import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { fraction, noise, TAU } from '../random.ts';

interface Design {
  readonly wood: Tone;
  readonly neck: Tone;
  readonly upper: number;
  readonly lower: number;
  readonly tilt: number;
  readonly rim: boolean;
}

interface Voice {
  readonly hz: number;
  readonly vibratoHz: number;
  readonly noteS: number;
  /** Fall of the harmonics: amplitude k^-slope. */
  readonly slope: number;
  readonly bodyHz: number;
}

const MAJOR = [0, 2, 4, 5, 7, 9, 11, 12] as const;
const TOP_HZ = 7000;

export const violin = defineKind<Design, Voice>({
  name: 'violin',
  designs: [
    { wood: [24, 70, 42], neck: [20, 30, 16], upper: 0.3, lower: 0.42, tilt: 0.35, rim: false },
    { wood: [34, 75, 54], neck: [25, 40, 22], upper: 0.32, lower: 0.44, tilt: -0.3, rim: true },
    { wood: [12, 65, 34], neck: [0, 0, 12], upper: 0.28, lower: 0.4, tilt: 0.5, rim: true },
    { wood: [40, 70, 64], neck: [28, 45, 28], upper: 0.31, lower: 0.4, tilt: 0.1, rim: false },
    { wood: [18, 45, 24], neck: [0, 0, 10], upper: 0.3, lower: 0.44, tilt: -0.5, rim: true },
    { wood: [5, 75, 44], neck: [0, 0, 14], upper: 0.33, lower: 0.43, tilt: 0.25, rim: false },
    { wood: [205, 55, 42], neck: [0, 0, 12], upper: 0.29, lower: 0.4, tilt: -0.15, rim: true },
    { wood: [30, 60, 46], neck: [20, 30, 18], upper: 0.3, lower: 0.46, tilt: 0.42, rim: true },
    { wood: [20, 75, 48], neck: [0, 0, 12], upper: 0.31, lower: 0.42, tilt: -0.4, rim: false },
    { wood: [36, 65, 40], neck: [24, 40, 20], upper: 0.29, lower: 0.43, tilt: 0.2, rim: true },
  ],
  voices: [
    { hz: 294, vibratoHz: 5.5, noteS: 0.36, slope: 1, bodyHz: 900 },
    { hz: 440, vibratoHz: 6, noteS: 0.28, slope: 0.9, bodyHz: 1200 },
    { hz: 220, vibratoHz: 5, noteS: 0.5, slope: 0.85, bodyHz: 700 },
    { hz: 523, vibratoHz: 6.4, noteS: 0.33, slope: 1.1, bodyHz: 1500 },
    { hz: 370, vibratoHz: 5.8, noteS: 0.42, slope: 0.8, bodyHz: 1000 },
    { hz: 262, vibratoHz: 6.2, noteS: 0.24, slope: 0.95, bodyHz: 1300 },
    { hz: 330, vibratoHz: 5.2, noteS: 0.3, slope: 1.05, bodyHz: 850 },
    { hz: 480, vibratoHz: 5.6, noteS: 0.46, slope: 0.95, bodyHz: 1100 },
    { hz: 310, vibratoHz: 5.7, noteS: 0.34, slope: 0.95, bodyHz: 1050 },
    { hz: 410, vibratoHz: 6.1, noteS: 0.38, slope: 0.9, bodyHz: 950 },
  ],
  paint(brush, d, pose) {
    brush.at(0, 0, d.tilt, 1, 1, () => {
      brush.box(-0.07, -1, 0.14, 0.9, 0.05, brush.lit(d.neck, -1, 0));
      brush.oval(0, -0.95, 0.11, 0.09, brush.plain(d.wood, -6));
      for (const side of [-1, 1]) brush.line([0, -0.84, side * 0.16, -0.86], brush.plain(d.neck, 6), 0.06);
      const body = (scale: number): void => {
        const u = 1.28 * d.upper * scale;
        const l = 1.28 * d.lower * scale;
        const c = brush.canvas;
        const y = (v: number): number => 0.36 + (v - 0.36) * scale;
        c.moveTo(0, y(-0.28));
        c.bezierCurveTo(u, y(-0.32), u * 1.35, y(-0.02), u * 0.86, y(0.16));
        c.bezierCurveTo(u * 0.5, y(0.28), u * 0.6, y(0.42), l * 0.86, y(0.48));
        c.bezierCurveTo(l * 1.3, y(0.62), l, y(0.98), 0, y(0.98));
        c.bezierCurveTo(-l, y(0.98), -l * 1.3, y(0.62), -l * 0.86, y(0.48));
        c.bezierCurveTo(-u * 0.6, y(0.42), -u * 0.5, y(0.28), -u * 0.86, y(0.16));
        c.bezierCurveTo(-u * 1.35, y(-0.02), -u, y(-0.32), 0, y(-0.28));
      };
      brush.shape(() => body(1), brush.round(d.wood, -0.45, 0.45));
      brush.detail(() => {
        if (d.rim) brush.shape(() => body(0.88), null, 0.025);
        for (const side of [-1, 1]) {
          brush.curve(
            (c) => {
              c.moveTo(side * 0.2, 0.26);
              c.bezierCurveTo(side * 0.1, 0.32, side * 0.26, 0.5, side * 0.18, 0.58);
            },
            'hsla(20, 40%, 8%, 1)',
            0.05,
          );
        }
        brush.poly([-0.06, -0.3, 0.06, -0.3, 0.08, 0.2, -0.08, 0.2], brush.plain(d.neck), 0.02);
        brush.poly([-0.06, 0.66, 0.06, 0.66, 0.04, 0.92, -0.04, 0.92], brush.plain(d.neck), 0.02);
        brush.box(-0.13, 0.46, 0.26, 0.05, 0.02, 'hsla(40, 50%, 70%, 1)', 0.02);
        for (const x of [-0.045, -0.015, 0.015, 0.045])
          brush.line([x, -0.85, x * 1.3, 0.68], 'hsla(45, 20%, 88%, 0.9)', 0.012);
      });
    });
    brush.at(0.16 * pose.swing, 0.3, d.tilt - 1.25 * Math.sign(d.tilt), 1, 1, () => {
      brush.line([0, -0.82, 0, 0.82], brush.ink, 0.1);
      brush.detail(() => {
        brush.line([0, -0.82, 0, 0.82], 'hsla(25, 60%, 38%, 1)', 0.055);
        brush.line([0.03, -0.78, 0.03, 0.78], 'hsla(40, 30%, 92%, 1)', 0.025);
      });
    });
  },
  sound(v, timeS, seed) {
    const note = Math.floor(timeS / v.noteS);
    const t = timeS - note * v.noteS;
    const degree = MAJOR[Math.floor(fraction(seed, note) * MAJOR.length)] as number;
    const hz = v.hz * 2 ** (degree / 12);
    const cycles = hz * (t + (0.009 / (TAU * v.vibratoHz)) * (1 - Math.cos(TAU * v.vibratoHz * t)));
    const p = TAU * (cycles - Math.floor(cycles));
    const twice = 2 * Math.cos(p);
    const harmonics = Math.min(14, Math.floor(TOP_HZ / hz));
    let before = 0;
    let current = Math.sin(p);
    let sum = 0;
    for (let k = 1; k <= harmonics; k += 1) {
      const offset = (k * hz - v.bodyHz) / (0.6 * v.bodyHz);
      sum += current * k ** -v.slope * (0.55 + 1 / (1 + offset * offset));
      const next = twice * current - before;
      before = current;
      current = next;
    }
    const bow = Math.min(1, t / 0.03, (v.noteS - t) / 0.02);
    return (0.25 + 0.75 * bow) * (1.15 * sum + 0.12 * noise(seed, timeS, 6000));
  },
});
