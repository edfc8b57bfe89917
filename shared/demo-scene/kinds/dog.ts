import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { fraction, noise } from '../random.ts';
import { formant } from '../tone-synthesis.ts';

interface Design {
  readonly coat: Tone;
  readonly ear: Tone;
  readonly muzzle: Tone;
  readonly ears: 'floppy' | 'pointed' | 'round';
  readonly patch: boolean;
  readonly collar: Tone;
}

interface Voice {
  readonly hz: number;
  /** Formants stretched by this for a smaller dog. */
  readonly stretch: number;
  readonly barkS: number;
  readonly intervalS: number;
  readonly rasp: number;
}

export const dog = defineKind<Design, Voice>({
  name: 'dog',
  designs: [
    { coat: [28, 55, 50], ear: [24, 50, 32], muzzle: [35, 55, 84], ears: 'floppy', patch: false, collar: [0, 75, 50] },
    { coat: [0, 0, 92], ear: [25, 20, 22], muzzle: [0, 0, 97], ears: 'floppy', patch: true, collar: [210, 75, 50] },
    {
      coat: [220, 8, 48],
      ear: [220, 10, 34],
      muzzle: [220, 8, 86],
      ears: 'pointed',
      patch: false,
      collar: [48, 85, 55],
    },
    { coat: [38, 75, 62], ear: [32, 65, 48], muzzle: [42, 70, 88], ears: 'round', patch: false, collar: [140, 50, 42] },
    { coat: [20, 35, 24], ear: [20, 30, 16], muzzle: [26, 60, 52], ears: 'pointed', patch: false, collar: [0, 75, 52] },
    { coat: [30, 45, 72], ear: [20, 45, 34], muzzle: [34, 45, 92], ears: 'floppy', patch: true, collar: [280, 45, 52] },
    {
      coat: [16, 60, 44],
      ear: [16, 55, 34],
      muzzle: [30, 50, 88],
      ears: 'pointed',
      patch: false,
      collar: [190, 60, 44],
    },
    { coat: [220, 6, 30], ear: [220, 6, 20], muzzle: [220, 4, 80], ears: 'round', patch: true, collar: [20, 85, 52] },
    {
      coat: [32, 60, 56],
      ear: [24, 45, 28],
      muzzle: [36, 50, 90],
      ears: 'pointed',
      patch: true,
      collar: [215, 70, 48],
    },
    { coat: [24, 40, 38], ear: [22, 40, 24], muzzle: [32, 50, 78], ears: 'floppy', patch: false, collar: [60, 75, 52] },
  ],
  voices: [
    { hz: 260, stretch: 1, barkS: 0.17, intervalS: 0.33, rasp: 0.5 },
    { hz: 420, stretch: 1.3, barkS: 0.13, intervalS: 0.26, rasp: 0.3 },
    { hz: 180, stretch: 0.82, barkS: 0.2, intervalS: 0.38, rasp: 0.6 },
    { hz: 520, stretch: 1.45, barkS: 0.11, intervalS: 0.24, rasp: 0.25 },
    { hz: 320, stretch: 1.1, barkS: 0.16, intervalS: 0.3, rasp: 0.7 },
    { hz: 220, stretch: 0.92, barkS: 0.18, intervalS: 0.36, rasp: 0.35 },
    { hz: 370, stretch: 1.2, barkS: 0.14, intervalS: 0.31, rasp: 0.45 },
    { hz: 460, stretch: 1.25, barkS: 0.12, intervalS: 0.28, rasp: 0.55 },
    { hz: 290, stretch: 1.05, barkS: 0.16, intervalS: 0.32, rasp: 0.45 },
    { hz: 400, stretch: 1.22, barkS: 0.14, intervalS: 0.28, rasp: 0.4 },
  ],
  paint(brush, d, pose) {
    const ear = brush.lit(d.ear, -0.9, 0.4);
    if (d.ears === 'pointed') {
      brush.poly([-0.66, -0.25, -0.7, -0.98, -0.16, -0.62], ear);
      brush.poly([0.66, -0.25, 0.7, -0.98, 0.16, -0.62], ear);
    }
    if (d.ears === 'round') {
      brush.oval(-0.56, -0.6, 0.26, 0.28, ear);
      brush.oval(0.56, -0.6, 0.26, 0.28, ear);
    }
    brush.box(-0.5, 0.62, 1, 0.26, 0.12, brush.lit(d.collar, 0.6, 0.9));
    brush.oval(0, 0.92, 0.11, 0.11, 'hsla(48, 85%, 58%, 1)', 0.035);
    brush.shape(
      (c) => {
        c.moveTo(0, -0.78);
        c.bezierCurveTo(0.6, -0.8, 0.78, -0.3, 0.7, 0.05);
        c.bezierCurveTo(0.68, 0.5, 0.42, 0.82, 0, 0.82);
        c.bezierCurveTo(-0.42, 0.82, -0.68, 0.5, -0.7, 0.05);
        c.bezierCurveTo(-0.78, -0.3, -0.6, -0.8, 0, -0.78);
      },
      brush.lit(d.coat, -0.8, 0.8),
    );
    brush.detail(() => {
      if (d.patch) brush.oval(0.3, -0.26, 0.26, 0.3, brush.plain(d.ear, 4), 0, 0.3);
      const open = 0.06 + 0.16 * pose.gape;
      brush.oval(0, 0.54 + open * 0.5, 0.24, open + 0.06, 'hsla(350, 55%, 24%, 1)', 0.04);
      brush.oval(0, 0.6 + open * 0.8, 0.13, open * 0.8 + 0.03, 'hsla(350, 75%, 66%, 1)', 0);
      brush.oval(-0.18, 0.38, 0.28, 0.24, brush.lit(d.muzzle, 0.1, 0.65), 0);
      brush.oval(0.18, 0.38, 0.28, 0.24, brush.lit(d.muzzle, 0.1, 0.65), 0);
      brush.line([0, 0.24, 0, 0.46], brush.ink, 0.04);
      brush.oval(0, 0.16, 0.18, 0.13, 'hsla(230, 15%, 12%, 1)', 0);
      brush.oval(-0.05, 0.12, 0.05, 0.03, 'hsla(0, 0%, 100%, 0.6)', 0);
      for (const x of [-0.3, 0.3]) {
        brush.oval(x, -0.2, 0.12, 0.14, '#fff', 0.035);
        brush.oval(x + 0.03 * pose.swing, -0.18, 0.07, 0.085, '#1a120c', 0);
        brush.oval(x - 0.02, -0.22, 0.025, 0.03, '#fff', 0);
      }
    });
    if (d.ears === 'floppy') {
      for (const side of [-1, 1]) {
        brush.at(side * 0.5, -0.6, side * 0.08 * pose.swing, side, 1, () => {
          brush.shape((c) => {
            c.moveTo(-0.12, -0.08);
            c.bezierCurveTo(0.3, -0.24, 0.52, 0.2, 0.44, 0.72);
            c.bezierCurveTo(0.36, 1.0, 0.06, 0.86, 0.06, 0.5);
            c.quadraticCurveTo(0.08, 0.2, -0.12, -0.08);
          }, ear);
        });
      }
    }
  },
  sound(v, timeS, seed) {
    const bark = Math.floor(timeS / v.intervalS);
    const t = timeS - bark * v.intervalS;
    const length = v.barkS * (0.92 + 0.16 * fraction(seed, bark));
    if (t >= length) return 0;
    const u = t / length;
    const envelope = Math.min(1, t / 0.01) * (1 - u) ** 0.7;
    const hz = v.hz * (0.93 + 0.14 * fraction(seed + 1, bark));
    const cycles = hz * (t + 0.35 * length * (2 * u * u - (4 / 3) * u * u * u));
    const sway = Math.sin(Math.PI * u);
    const throat =
      2 * formant(cycles, ((620 + 480 * sway) * v.stretch) / hz, 1.6) +
      1.4 * formant(cycles, ((1300 + 500 * sway) * v.stretch) / hz, 2.2) +
      0.5 * formant(cycles, (2600 * v.stretch) / hz, 3);
    const rasp = 1 + v.rasp * noise(seed, timeS, 140);
    return 2.6 * envelope * Math.tanh(0.9 * (throat * rasp + v.rasp * 0.7 * noise(seed + 2, timeS, 5200)));
  },
});
