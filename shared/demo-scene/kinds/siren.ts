import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { TAU } from '../random.ts';
import { sine } from '../tone-synthesis.ts';

interface Design {
  readonly lamp: Tone;
  readonly base: Tone;
  readonly form: 'dome' | 'tower' | 'twin';
  readonly width: number;
  readonly stripes: boolean;
}

interface Voice {
  readonly lowHz: number;
  readonly highHz: number;
  readonly sweepHz: number;
  /** Share of the third and fifth harmonic. */
  readonly edge: number;
  readonly step: boolean;
}

export const siren = defineKind<Design, Voice>({
  name: 'siren',
  designs: [
    { lamp: [0, 88, 52], base: [220, 10, 26], form: 'dome', width: 0.62, stripes: false },
    { lamp: [215, 90, 54], base: [220, 8, 62], form: 'dome', width: 0.56, stripes: false },
    { lamp: [32, 95, 54], base: [45, 90, 52], form: 'dome', width: 0.58, stripes: true },
    { lamp: [2, 85, 50], base: [220, 6, 80], form: 'tower', width: 0.42, stripes: false },
    { lamp: [210, 85, 56], base: [220, 12, 22], form: 'twin', width: 0.86, stripes: false },
    { lamp: [28, 95, 52], base: [220, 10, 30], form: 'tower', width: 0.46, stripes: true },
    { lamp: [356, 85, 54], base: [220, 8, 74], form: 'twin', width: 0.8, stripes: true },
    { lamp: [225, 80, 50], base: [45, 85, 55], form: 'tower', width: 0.5, stripes: true },
    { lamp: [8, 90, 54], base: [220, 10, 40], form: 'dome', width: 0.52, stripes: true },
    { lamp: [218, 88, 58], base: [220, 8, 68], form: 'tower', width: 0.48, stripes: false },
  ],
  voices: [
    { lowHz: 600, highHz: 1350, sweepHz: 0.9, edge: 0.35, step: false },
    { lowHz: 700, highHz: 1500, sweepHz: 2.8, edge: 0.25, step: false },
    { lowHz: 480, highHz: 640, sweepHz: 1.3, edge: 0.45, step: true },
    { lowHz: 500, highHz: 1100, sweepHz: 1.4, edge: 0.5, step: false },
    { lowHz: 650, highHz: 870, sweepHz: 1.6, edge: 0.3, step: true },
    { lowHz: 800, highHz: 1650, sweepHz: 1.9, edge: 0.4, step: false },
    { lowHz: 560, highHz: 1250, sweepHz: 3.4, edge: 0.4, step: false },
    { lowHz: 560, highHz: 760, sweepHz: 1.0, edge: 0.4, step: true },
    { lowHz: 640, highHz: 1400, sweepHz: 1.6, edge: 0.38, step: false },
    { lowHz: 580, highHz: 780, sweepHz: 1.4, edge: 0.42, step: true },
  ],
  paint(brush, d, pose) {
    const lamp = (x: number, half: number, top: number, phase: number): void => {
      brush.shape(
        (c) => {
          c.moveTo(x - half, 0.42);
          c.lineTo(x - half, top + half * 0.9);
          c.bezierCurveTo(x - half, top - half * 0.25, x + half, top - half * 0.25, x + half, top + half * 0.9);
          c.lineTo(x + half, 0.42);
          c.closePath();
        },
        brush.lit(d.lamp, top, 0.45),
      );
      brush.detail(() => {
        const beam = Math.cos(pose.turn * 0.5 + phase) * half * 0.6;
        brush.oval(x + beam, top * 0.3 + 0.1, half * 0.28, (0.45 - top) * 0.3, 'hsla(50, 100%, 88%, 0.8)', 0);
        brush.curve(
          (c) => {
            c.moveTo(x - half * 0.68, 0.3);
            c.lineTo(x - half * 0.68, top + half * 0.8);
            c.quadraticCurveTo(x - half * 0.6, top + half * 0.42, x - half * 0.2, top + half * 0.3);
          },
          'hsla(0, 0%, 100%, 0.6)',
          0.07,
        );
      });
    };
    if (d.form === 'twin') {
      lamp(-d.width * 0.5, d.width * 0.42, -0.3, 0);
      lamp(d.width * 0.5, d.width * 0.42, -0.3, TAU / 2);
    } else {
      lamp(0, d.width, d.form === 'tower' ? -0.95 : -0.6, 0);
    }
    const half = d.width + (d.form === 'twin' ? 0.12 : 0.2);
    brush.poly([-half + 0.08, 0.4, half - 0.08, 0.4, half, 0.88, -half, 0.88], brush.lit(d.base, 0.35, 0.9));
    brush.detail(() => {
      if (!d.stripes) {
        for (const x of [-0.6, 0, 0.6])
          brush.oval(x * half, 0.64, 0.06, 0.06, `hsla(220, 8%, ${d.base[2] > 50 ? 40 : 75}%, 1)`, 0.03);
        return;
      }
      for (let x = -half + 0.16; x < half - 0.2; x += 0.24)
        brush.poly([x + 0.08, 0.46, x + 0.18, 0.46, x + 0.1, 0.82, x, 0.82], 'hsla(0, 0%, 10%, 0.85)', 0);
    });
  },
  sound(v, timeS) {
    const mid = (v.lowHz + v.highHz) / 2;
    const half = (v.highHz - v.lowHz) / 2;
    let cycles: number;
    if (v.step) {
      const step = Math.floor(timeS * v.sweepHz * 2);
      cycles = (step % 2 === 0 ? v.lowHz : v.highHz) * (timeS - step / (v.sweepHz * 2));
    } else {
      cycles = mid * timeS - (half / (TAU * v.sweepHz)) * Math.sin(TAU * v.sweepHz * timeS);
    }
    return 1.25 * (sine(cycles) + v.edge * sine(3 * cycles) + v.edge * 0.5 * (v.highHz < 1450 ? sine(5 * cycles) : 0));
  },
});
