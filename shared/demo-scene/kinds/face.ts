import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { fraction, TAU } from '../random.ts';
import { bandNoise, formant, hump } from '../tone-synthesis.ts';

interface Design {
  readonly skin: Tone;
  readonly hair: Tone;
  readonly style: 'short' | 'long' | 'bald' | 'curly' | 'bun' | 'cap';
  readonly shirt: Tone;
  readonly glasses: boolean;
  readonly beard: boolean;
  readonly width: number;
}

interface Voice {
  readonly hz: number;
  /** Formants scaled by this: shorter throats are higher. */
  readonly tract: number;
  readonly syllableS: number;
  readonly breath: number;
}

/** First three formants in Hz of a, e, i, o, u, schwa and open o (Peterson and Barney, 1952). */
const VOWELS = [
  [730, 1090, 2440],
  [530, 1840, 2480],
  [290, 2250, 2950],
  [480, 900, 2410],
  [310, 870, 2240],
  [500, 1400, 2450],
  [600, 1000, 2450],
] as const;

export const face = defineKind<Design, Voice>({
  name: 'face',
  designs: [
    {
      skin: [26, 60, 76],
      hair: [28, 45, 26],
      style: 'short',
      shirt: [210, 55, 48],
      glasses: false,
      beard: false,
      width: 1,
    },
    {
      skin: [24, 42, 42],
      hair: [20, 30, 12],
      style: 'curly',
      shirt: [48, 80, 55],
      glasses: false,
      beard: false,
      width: 0.96,
    },
    {
      skin: [30, 65, 82],
      hair: [44, 75, 60],
      style: 'long',
      shirt: [345, 60, 56],
      glasses: false,
      beard: false,
      width: 0.92,
    },
    {
      skin: [25, 50, 66],
      hair: [0, 0, 18],
      style: 'bun',
      shirt: [160, 45, 42],
      glasses: true,
      beard: false,
      width: 0.95,
    },
    {
      skin: [22, 55, 72],
      hair: [14, 65, 40],
      style: 'bald',
      shirt: [250, 30, 46],
      glasses: false,
      beard: true,
      width: 1.04,
    },
    {
      skin: [22, 38, 32],
      hair: [0, 0, 10],
      style: 'short',
      shirt: [15, 75, 52],
      glasses: true,
      beard: false,
      width: 1,
    },
    {
      skin: [28, 55, 78],
      hair: [0, 0, 76],
      style: 'short',
      shirt: [220, 15, 36],
      glasses: true,
      beard: true,
      width: 1,
    },
    {
      skin: [27, 50, 58],
      hair: [18, 45, 20],
      style: 'long',
      shirt: [190, 55, 44],
      glasses: false,
      beard: false,
      width: 0.94,
    },
    {
      skin: [24, 48, 52],
      hair: [20, 40, 16],
      style: 'cap',
      shirt: [0, 65, 48],
      glasses: false,
      beard: false,
      width: 0.98,
    },
    {
      skin: [28, 60, 74],
      hair: [22, 60, 34],
      style: 'curly',
      shirt: [280, 35, 50],
      glasses: true,
      beard: false,
      width: 0.97,
    },
  ],
  voices: [
    { hz: 110, tract: 0.95, syllableS: 0.22, breath: 0.25 },
    { hz: 205, tract: 1.14, syllableS: 0.2, breath: 0.3 },
    { hz: 135, tract: 1, syllableS: 0.25, breath: 0.2 },
    { hz: 250, tract: 1.22, syllableS: 0.18, breath: 0.35 },
    { hz: 95, tract: 0.9, syllableS: 0.26, breath: 0.3 },
    { hz: 180, tract: 1.08, syllableS: 0.23, breath: 0.2 },
    { hz: 225, tract: 1.18, syllableS: 0.24, breath: 0.25 },
    { hz: 120, tract: 0.98, syllableS: 0.19, breath: 0.35 },
    { hz: 150, tract: 1.03, syllableS: 0.21, breath: 0.28 },
    { hz: 215, tract: 1.16, syllableS: 0.22, breath: 0.3 },
  ],
  paint(brush, d, pose) {
    const hair = brush.lit(d.hair, -1, 0.3);
    const half = 0.52 * d.width;
    if (d.style === 'long') brush.box(-half - 0.14, -0.86, 2 * half + 0.28, 1.5, 0.5, hair);
    if (d.style === 'curly')
      for (let i = 0; i < 9; i += 1)
        brush.oval(
          (half + 0.1) * Math.cos(Math.PI + (Math.PI * i) / 8),
          -0.36 + 0.5 * Math.sin(Math.PI + (Math.PI * i) / 8),
          0.2,
          0.2,
          hair,
        );
    if (d.style === 'bun') brush.oval(0, -0.88, 0.2, 0.18, hair);
    brush.shape(
      (c) => {
        c.moveTo(-0.86, 1);
        c.bezierCurveTo(-0.84, 0.62, -0.42, 0.6, -0.2, 0.54);
        c.lineTo(0.2, 0.54);
        c.bezierCurveTo(0.42, 0.6, 0.84, 0.62, 0.86, 1);
        c.closePath();
      },
      brush.lit(d.shirt, 0.5, 1),
    );
    brush.box(-0.17, 0.3, 0.34, 0.36, 0.12, brush.plain(d.skin, -9), 0.03);
    brush.oval(-half, -0.1, 0.11, 0.15, brush.plain(d.skin, -4));
    brush.oval(half, -0.1, 0.11, 0.15, brush.plain(d.skin, -4));
    brush.shape(
      (c) => {
        c.moveTo(-half, -0.3);
        c.bezierCurveTo(-half, -0.95, half, -0.95, half, -0.3);
        c.bezierCurveTo(half + 0.02, 0.2, half * 0.55, 0.54, 0, 0.54);
        c.bezierCurveTo(-half * 0.55, 0.54, -half - 0.02, 0.2, -half, -0.3);
      },
      brush.lit(d.skin, -0.8, 0.6),
    );
    brush.detail(() => {
      if (d.beard)
        brush.shape(
          (c) => {
            c.moveTo(-half * 0.97, 0.02);
            c.bezierCurveTo(-half * 0.85, 0.5, -half * 0.4, 0.56, 0, 0.56);
            c.bezierCurveTo(half * 0.4, 0.56, half * 0.85, 0.5, half * 0.97, 0.02);
            c.bezierCurveTo(half * 0.6, 0.14, half * 0.4, 0.1, 0, 0.12);
            c.bezierCurveTo(-half * 0.4, 0.1, -half * 0.6, 0.14, -half * 0.97, 0.02);
          },
          hair,
          0.02,
        );
      for (const x of [-0.21, 0.21]) {
        brush.oval(x, -0.17, 0.1, 0.085, '#fff', 0.025);
        brush.oval(x + 0.03 * pose.swing, -0.165, 0.05, 0.06, 'hsla(220, 35%, 20%, 1)', 0);
        brush.curve(
          (c) => {
            c.moveTo(x - 0.12, -0.31);
            c.quadraticCurveTo(x, -0.38, x + 0.12, -0.31);
          },
          brush.plain(d.hair, -4),
          0.055,
        );
        if (d.glasses)
          brush.shape((c) => c.ellipse(x, -0.16, 0.165, 0.15, 0, 0, TAU), 'hsla(200, 60%, 90%, 0.25)', 0.04);
      }
      if (d.glasses) brush.line([-0.05, -0.18, 0.05, -0.18], brush.ink, 0.04);
      brush.curve(
        (c) => {
          c.moveTo(0.01, -0.1);
          c.quadraticCurveTo(0.1, 0.06, -0.02, 0.07);
        },
        brush.plain(d.skin, -26),
        0.045,
      );
      brush.oval(-0.32, 0.08, 0.1, 0.06, 'hsla(0, 75%, 62%, 0.3)', 0);
      brush.oval(0.32, 0.08, 0.1, 0.06, 'hsla(0, 75%, 62%, 0.3)', 0);
      const open = 0.02 + 0.12 * pose.gape;
      brush.oval(0, 0.28, 0.17 - 0.04 * pose.gape, open + 0.02, 'hsla(355, 60%, 24%, 1)', 0);
      brush.shape((c) => c.ellipse(0, 0.28, 0.17 - 0.04 * pose.gape, open + 0.02, 0, 0, TAU), null, 0.03);
      brush.oval(0, 0.3 + open * 0.6, 0.09, open * 0.4, 'hsla(355, 70%, 62%, 1)', 0);
    });
    if (d.style === 'cap') {
      brush.shape(
        (c) => {
          c.moveTo(-half - 0.03, -0.36);
          c.bezierCurveTo(-half, -1.05, half, -1.05, half + 0.03, -0.36);
          c.closePath();
        },
        brush.lit(d.shirt, -1, -0.3),
      );
      brush.box(-0.1, -0.44, half + 0.42, 0.13, 0.06, brush.plain(d.shirt, -10));
    } else if (d.style !== 'bald') {
      brush.shape((c) => {
        c.moveTo(-half - 0.02, -0.2);
        c.bezierCurveTo(-half - 0.1, -1.08, half + 0.1, -1.08, half + 0.02, -0.2);
        c.quadraticCurveTo(half * 0.8, -0.5, half * 0.35, -0.52);
        c.quadraticCurveTo(-half * 0.5, -0.5, -half * 0.8, -0.44);
        c.quadraticCurveTo(-half, -0.36, -half - 0.02, -0.2);
      }, hair);
    }
  },
  sound(v, timeS, seed) {
    const x = timeS / v.syllableS;
    const syllable = Math.floor(x);
    const u = x - syllable;
    const from = VOWELS[Math.floor(fraction(seed, syllable) * VOWELS.length)] as (typeof VOWELS)[number];
    const to = VOWELS[Math.floor(fraction(seed, syllable + 1) * VOWELS.length)] as (typeof VOWELS)[number];
    const glide = u < 0.55 ? 0 : (u - 0.55) / 0.45;
    const cycles =
      v.hz *
      (timeS +
        (0.14 / (TAU * 0.7)) * Math.sin(TAU * 0.7 * timeS + (seed % 6)) +
        (0.05 / (TAU * 2.3)) * Math.sin(TAU * 2.3 * timeS));
    const band = (i: 0 | 1 | 2): number => ((from[i] + (to[i] - from[i]) * glide) * v.tract) / v.hz;
    const spread = (widthHz: number): number => (widthHz / v.hz) ** 2;
    const voiced =
      1.2 * formant(cycles, band(0), spread(150)) +
      0.75 * formant(cycles, band(1), spread(190)) +
      0.4 * formant(cycles, band(2), spread(260)) +
      0.15 * formant(cycles, (3500 * v.tract) / v.hz, spread(350));
    const loud = 0.35 + 0.65 * Math.sin(Math.PI * u) ** 0.8;
    const hiss = fraction(seed + 1, syllable) < 0.45 ? hump(u, 0.3, 0.08) : 0;
    return (
      2.4 *
      (voiced * loud * (1 - 0.85 * hiss) +
        (0.08 * v.breath + 0.9 * v.breath * hiss * 1.6) * bandNoise(seed + 2, timeS, 4800, 3200))
    );
  },
});
