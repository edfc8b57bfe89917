import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { noise, TAU } from '../random.ts';
import { bandNoise, sine } from '../tone-synthesis.ts';

interface Design {
  readonly enamel: Tone;
  readonly trim: Tone;
  readonly half: number;
  readonly top: number;
  readonly handle: 'arch' | 'side';
  readonly pattern: 'none' | 'dots' | 'band' | 'flower';
}

interface Voice {
  readonly hz: number;
  readonly wobbleHz: number;
  readonly steam: number;
  readonly steamHz: number;
}

export const kettle = defineKind<Design, Voice>({
  name: 'kettle',
  designs: [
    { enamel: [355, 75, 46], trim: [0, 0, 14], half: 0.58, top: -0.25, handle: 'arch', pattern: 'none' },
    { enamel: [210, 10, 72], trim: [0, 0, 14], half: 0.54, top: -0.3, handle: 'arch', pattern: 'none' },
    { enamel: [200, 60, 56], trim: [0, 0, 94], half: 0.6, top: -0.2, handle: 'arch', pattern: 'dots' },
    { enamel: [45, 75, 80], trim: [25, 50, 34], half: 0.52, top: -0.36, handle: 'side', pattern: 'band' },
    { enamel: [145, 35, 42], trim: [45, 70, 56], half: 0.58, top: -0.24, handle: 'arch', pattern: 'flower' },
    { enamel: [22, 65, 46], trim: [22, 50, 26], half: 0.55, top: -0.3, handle: 'side', pattern: 'none' },
    { enamel: [250, 30, 40], trim: [210, 10, 74], half: 0.56, top: -0.26, handle: 'arch', pattern: 'band' },
    { enamel: [0, 0, 92], trim: [210, 60, 42], half: 0.54, top: -0.34, handle: 'side', pattern: 'dots' },
    { enamel: [180, 45, 44], trim: [0, 0, 16], half: 0.57, top: -0.28, handle: 'arch', pattern: 'dots' },
    { enamel: [12, 70, 58], trim: [0, 0, 92], half: 0.55, top: -0.3, handle: 'side', pattern: 'band' },
  ],
  voices: [
    { hz: 2300, wobbleHz: 4.5, steam: 0.7, steamHz: 4600 },
    { hz: 2750, wobbleHz: 6, steam: 0.5, steamHz: 5200 },
    { hz: 1950, wobbleHz: 3.2, steam: 0.9, steamHz: 4200 },
    { hz: 3150, wobbleHz: 7, steam: 0.6, steamHz: 5000 },
    { hz: 2500, wobbleHz: 5, steam: 1, steamHz: 4800 },
    { hz: 2100, wobbleHz: 8, steam: 0.6, steamHz: 5400 },
    { hz: 2900, wobbleHz: 3.8, steam: 0.85, steamHz: 4400 },
    { hz: 2200, wobbleHz: 5.6, steam: 0.75, steamHz: 5000 },
    { hz: 2600, wobbleHz: 4.2, steam: 0.7, steamHz: 4700 },
    { hz: 2050, wobbleHz: 6.4, steam: 0.8, steamHz: 4900 },
  ],
  paint(brush, d, pose) {
    const enamel = brush.round(d.enamel, -d.half - 0.1, d.half + 0.1);
    const trim = brush.lit(d.trim, -1, 1);
    if (d.handle === 'arch') {
      brush.curve(
        (c) => c.ellipse(0, d.top + 0.05, d.half * 0.86, 0.72, 0, Math.PI * 1.06, Math.PI * 1.94),
        brush.ink,
        0.19,
      );
      brush.curve(
        (c) => c.ellipse(0, d.top + 0.05, d.half * 0.86, 0.72, 0, Math.PI * 1.06, Math.PI * 1.94),
        brush.plain(d.trim),
        0.11,
      );
    } else {
      brush.curve((c) => c.ellipse(-d.half - 0.02, 0.22, 0.3, 0.34, 0, Math.PI * 0.45, Math.PI * 1.6), brush.ink, 0.19);
      brush.curve(
        (c) => c.ellipse(-d.half - 0.02, 0.22, 0.3, 0.34, 0, Math.PI * 0.45, Math.PI * 1.6),
        brush.plain(d.trim),
        0.11,
      );
    }
    brush.shape(
      (c) => {
        c.moveTo(d.half * 0.7, 0.48);
        c.bezierCurveTo(0.86, 0.4, 0.72, -0.02, 0.98, -0.26);
        c.lineTo(0.8, -0.36);
        c.bezierCurveTo(0.58, -0.16, 0.6, 0.02, d.half * 0.7, 0.08);
        c.closePath();
      },
      brush.lit(d.enamel, -0.4, 0.5),
    );
    brush.shape((c) => {
      c.moveTo(-d.half * 0.62, d.top);
      c.bezierCurveTo(-d.half - 0.1, d.top + 0.25, -d.half - 0.22, 0.82, -d.half * 0.86, 0.86);
      c.lineTo(d.half * 0.86, 0.86);
      c.bezierCurveTo(d.half + 0.22, 0.82, d.half + 0.1, d.top + 0.25, d.half * 0.62, d.top);
      c.closePath();
    }, enamel);
    brush.detail(() => {
      if (d.pattern === 'band')
        brush.box(-d.half * 1.06, 0.36, d.half * 2.12, 0.14, 0.02, brush.plain(d.trim, 4, 0.9), 0);
      if (d.pattern === 'dots')
        for (let i = 0; i < 7; i += 1)
          brush.oval((i - 3) * d.half * 0.3, i % 2 === 0 ? 0.6 : 0.3, 0.075, 0.075, brush.plain(d.trim, 4), 0);
      if (d.pattern === 'flower') {
        for (let i = 0; i < 6; i += 1)
          brush.oval(
            0.13 * Math.cos((TAU * i) / 6),
            0.38 + 0.13 * Math.sin((TAU * i) / 6),
            0.09,
            0.09,
            'hsla(350, 75%, 85%, 1)',
            0,
          );
        brush.oval(0, 0.38, 0.08, 0.08, 'hsla(48, 90%, 60%, 1)', 0);
      }
      brush.curve(
        (c) => {
          c.moveTo(-d.half * 0.62, d.top + 0.2);
          c.quadraticCurveTo(-d.half * 0.9, 0.3, -d.half * 0.8, 0.62);
        },
        'hsla(0, 0%, 100%, 0.5)',
        0.07,
      );
    });
    brush.oval(0, d.top, d.half * 0.64, 0.12, brush.lit(d.enamel, d.top - 0.15, d.top + 0.15));
    brush.oval(0, d.top - 0.14 - 0.03 * (1 + pose.swing), 0.1, 0.1, trim);
  },
  sound(v, timeS, seed) {
    const cycles =
      v.hz * timeS +
      ((v.hz * 0.02) / (TAU * v.wobbleHz)) * Math.sin(TAU * v.wobbleHz * timeS) +
      1.5 * noise(seed, timeS, 9);
    const flutter = 1 + 0.25 * noise(seed + 1, timeS, 22);
    const whistle = sine(cycles) + 0.22 * sine(2 * cycles);
    return (
      flutter *
      (1.15 * whistle +
        v.steam * 0.75 * bandNoise(seed + 2, timeS, v.steamHz, 2400) +
        0.2 * v.steam * noise(seed + 4, timeS, 900))
    );
  },
});
