import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { noise, TAU } from '../random.ts';
import { formant } from '../tone-synthesis.ts';

interface Design {
  readonly paint: Tone;
  /** Roof from rear to front: x of the rear foot, rear corner, front corner and front foot. */
  readonly roof: readonly [number, number, number, number];
  readonly height: number;
  readonly wheel: number;
  readonly stripe: Tone | null;
}

interface Voice {
  /** Firing rate of the cylinders. */
  readonly hz: number;
  readonly bodyHz: number;
  readonly rattle: number;
  readonly revHz: number;
}

export const car = defineKind<Design, Voice>({
  name: 'car',
  designs: [
    { paint: [0, 78, 50], roof: [-0.62, -0.4, 0.25, 0.55], height: 0.46, wheel: 0.22, stripe: null },
    { paint: [212, 70, 50], roof: [-0.9, -0.82, 0.2, 0.5], height: 0.5, wheel: 0.22, stripe: [0, 0, 92] },
    { paint: [48, 90, 54], roof: [-0.6, -0.3, 0.15, 0.48], height: 0.4, wheel: 0.24, stripe: [0, 0, 12] },
    { paint: [140, 45, 42], roof: [-0.2, -0.14, 0.34, 0.58], height: 0.5, wheel: 0.26, stripe: null },
    { paint: [0, 0, 92], roof: [-0.92, -0.88, 0.48, 0.72], height: 0.66, wheel: 0.21, stripe: [205, 70, 50] },
    { paint: [190, 55, 56], roof: [-0.75, -0.45, 0.2, 0.62], height: 0.56, wheel: 0.23, stripe: null },
    { paint: [25, 85, 54], roof: [-0.7, -0.6, 0.1, 0.46], height: 0.44, wheel: 0.22, stripe: [0, 0, 95] },
    { paint: [260, 35, 46], roof: [-0.68, -0.35, 0.3, 0.62], height: 0.5, wheel: 0.24, stripe: null },
    { paint: [335, 65, 56], roof: [-0.72, -0.5, 0.22, 0.56], height: 0.52, wheel: 0.23, stripe: [0, 0, 94] },
    { paint: [165, 55, 40], roof: [-0.85, -0.72, 0.26, 0.58], height: 0.5, wheel: 0.22, stripe: null },
  ],
  voices: [
    { hz: 46, bodyHz: 220, rattle: 0.35, revHz: 0.35 },
    { hz: 62, bodyHz: 300, rattle: 0.25, revHz: 0.5 },
    { hz: 34, bodyHz: 180, rattle: 0.5, revHz: 0.25 },
    { hz: 78, bodyHz: 380, rattle: 0.3, revHz: 0.7 },
    { hz: 54, bodyHz: 260, rattle: 0.55, revHz: 0.3 },
    { hz: 40, bodyHz: 330, rattle: 0.2, revHz: 0.6 },
    { hz: 70, bodyHz: 240, rattle: 0.45, revHz: 0.4 },
    { hz: 50, bodyHz: 400, rattle: 0.3, revHz: 0.8 },
    { hz: 58, bodyHz: 280, rattle: 0.35, revHz: 0.45 },
    { hz: 44, bodyHz: 250, rattle: 0.4, revHz: 0.5 },
  ],
  paint(brush, d, pose) {
    const [a, b, c1, e] = d.roof;
    const top = -0.1 - d.height;
    brush.shape(
      (c) => {
        c.moveTo(-0.98, 0.4);
        c.lineTo(-0.97, 0.02);
        c.quadraticCurveTo(-0.95, -0.08, a, -0.1);
        c.quadraticCurveTo(a + (b - a) * 0.4, top, b + 0.1, top);
        c.lineTo(c1 - 0.06, top);
        c.quadraticCurveTo(c1 + 0.06, top, e, -0.1);
        c.quadraticCurveTo(0.95, -0.06, 0.97, 0.12);
        c.lineTo(0.98, 0.4);
        c.closePath();
      },
      brush.lit(d.paint, top, 0.45),
    );
    brush.detail(() => {
      const glass = brush.lit([200, 45, 78], top, 0);
      const mid = (Math.max(a, b) + Math.min(c1, e)) / 2;
      brush.poly(
        [b + 0.08 + (a - b) * 0.25, -0.1, b + 0.12, top + 0.1, mid - 0.04, top + 0.1, mid - 0.04, -0.1],
        glass,
        0.035,
      );
      brush.poly([mid + 0.05, -0.1, mid + 0.05, top + 0.1, c1 - 0.05, top + 0.1, e - 0.13, -0.1], glass, 0.035);
      if (d.stripe !== null) brush.box(-0.95, 0.06, 1.9, 0.1, 0, brush.plain(d.stripe), 0);
      brush.line([mid, -0.08, mid, 0.34], brush.plain(d.paint, -24), 0.03);
      brush.box(mid + 0.08, 0.0, 0.14, 0.045, 0.02, brush.plain(d.paint, -28), 0);
      brush.oval(0.9, 0.12, 0.075, 0.09, 'hsla(52, 95%, 80%, 1)', 0.035);
      brush.box(-0.975, 0.06, 0.1, 0.14, 0.03, 'hsla(0, 80%, 42%, 1)', 0.03);
    });
    brush.box(-1, 0.34, 2, 0.12, 0.06, brush.lit([220, 8, 55], 0.3, 0.5), 0.04);
    for (const x of [-0.56, 0.56]) {
      brush.oval(x, 0.46, d.wheel, d.wheel, 'hsla(220, 10%, 16%, 1)');
      brush.detail(() => {
        brush.oval(x, 0.46, d.wheel * 0.58, d.wheel * 0.58, 'hsla(220, 8%, 78%, 1)', 0.02);
        for (let i = 0; i < 5; i += 1) {
          const angle = pose.turn + (TAU * i) / 5;
          brush.line(
            [x, 0.46, x + d.wheel * 0.5 * Math.cos(angle), 0.46 + d.wheel * 0.5 * Math.sin(angle)],
            'hsla(220, 8%, 40%, 1)',
            0.035,
          );
        }
      });
    }
  },
  sound(v, timeS, seed) {
    const cycles = v.hz * (timeS - (0.12 / (TAU * v.revHz)) * Math.cos(TAU * v.revHz * timeS + (seed % 7)));
    const uneven = 1 + 0.3 * Math.sin((TAU * cycles) / 4) + 0.15 * Math.sin((TAU * cycles) / 2);
    const fire =
      uneven * (1.5 * formant(cycles, v.bodyHz / v.hz, 5) + 0.8 * formant(cycles, (2.4 * v.bodyHz) / v.hz, 7));
    const puff = Math.exp(2.5 * (Math.cos(TAU * cycles) - 1));
    return (
      2.4 *
      Math.tanh(
        0.9 * (fire + v.rattle * (0.3 + puff) * (noise(seed, timeS, 2600) + 0.35 * noise(seed + 1, timeS, 7000))),
      )
    );
  },
});
