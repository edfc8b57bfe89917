import type { Brush, Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { hash, noise, TAU } from '../random.ts';
import { strike } from '../tone-synthesis.ts';

interface Design {
  readonly shell: Tone;
  readonly hoop: Tone;
  readonly half: number;
  readonly depth: number;
  readonly lacing: 'zigzag' | 'rods' | 'diamonds' | 'stars';
}

interface Voice {
  readonly stepS: number;
  /** One letter a step: k kick, s snare, t tom, h hat. */
  readonly pattern: string;
  readonly kickHz: number;
  readonly tomHz: number;
  readonly snareS: number;
}

export const drum = defineKind<Design, Voice>({
  name: 'drum',
  designs: [
    { shell: [355, 75, 46], hoop: [45, 80, 56], half: 0.78, depth: 0.75, lacing: 'zigzag' },
    { shell: [215, 65, 44], hoop: [0, 0, 90], half: 0.8, depth: 0.6, lacing: 'rods' },
    { shell: [28, 60, 44], hoop: [28, 40, 26], half: 0.66, depth: 0.95, lacing: 'diamonds' },
    { shell: [140, 50, 36], hoop: [45, 75, 58], half: 0.76, depth: 0.8, lacing: 'zigzag' },
    { shell: [0, 0, 88], hoop: [355, 75, 46], half: 0.74, depth: 0.66, lacing: 'stars' },
    { shell: [275, 45, 46], hoop: [0, 0, 72], half: 0.72, depth: 0.85, lacing: 'rods' },
    { shell: [46, 85, 54], hoop: [210, 60, 36], half: 0.8, depth: 0.7, lacing: 'diamonds' },
    { shell: [185, 60, 38], hoop: [0, 0, 92], half: 0.7, depth: 0.9, lacing: 'zigzag' },
    { shell: [12, 80, 50], hoop: [220, 10, 30], half: 0.76, depth: 0.78, lacing: 'rods' },
    { shell: [230, 55, 40], hoop: [45, 85, 58], half: 0.74, depth: 0.72, lacing: 'zigzag' },
  ],
  voices: [
    { stepS: 0.16, pattern: 'ksts', kickHz: 62, tomHz: 150, snareS: 0.06 },
    { stepS: 0.14, pattern: 'kttsktts', kickHz: 75, tomHz: 190, snareS: 0.08 },
    { stepS: 0.19, pattern: 'ksks', kickHz: 55, tomHz: 130, snareS: 0.09 },
    { stepS: 0.12, pattern: 'ssstksst', kickHz: 70, tomHz: 210, snareS: 0.05 },
    { stepS: 0.17, pattern: 'tkts', kickHz: 66, tomHz: 170, snareS: 0.07 },
    { stepS: 0.15, pattern: 'tttsttks', kickHz: 58, tomHz: 140, snareS: 0.06 },
    { stepS: 0.13, pattern: 'kstskkst', kickHz: 80, tomHz: 160, snareS: 0.1 },
    { stepS: 0.18, pattern: 'kstt', kickHz: 64, tomHz: 200, snareS: 0.05 },
    { stepS: 0.15, pattern: 'kstskstt', kickHz: 68, tomHz: 165, snareS: 0.07 },
    { stepS: 0.165, pattern: 'kttsks', kickHz: 60, tomHz: 185, snareS: 0.08 },
  ],
  paint(brush, d, pose) {
    const top = -d.depth / 2;
    const bottom = top + d.depth + 0.2;
    const lid = d.half * 0.3;
    brush.oval(0, bottom, d.half, lid, brush.round(d.hoop, -d.half, d.half));
    brush.shape(
      (c) => {
        c.moveTo(-d.half, top);
        c.lineTo(-d.half, bottom - 0.1);
        c.bezierCurveTo(
          -d.half * 0.7,
          bottom - 0.1 + lid * 1.25,
          d.half * 0.7,
          bottom - 0.1 + lid * 1.25,
          d.half,
          bottom - 0.1,
        );
        c.lineTo(d.half, top);
        c.closePath();
      },
      brush.round(d.shell, -d.half, d.half),
    );
    brush.detail(() => {
      const line = brush.plain(d.hoop, 6);
      const sag = (x: number): number => lid * Math.sqrt(Math.max(0, 1 - (x / d.half) ** 2));
      if (d.lacing === 'stars') {
        for (const x of [-0.5, 0, 0.5])
          star(brush, x * d.half * 1.15, (top + bottom) / 2 + sag(x * d.half) * 0.7, 0.16, line);
        return;
      }
      const steps = d.lacing === 'rods' ? 7 : 6;
      const points: number[] = [];
      for (let i = 0; i <= steps; i += 1) {
        const x = -d.half * 0.97 + (2 * d.half * 0.97 * i) / steps;
        const high = top + sag(x) + 0.02;
        const low = bottom - 0.12 + sag(x);
        if (d.lacing === 'rods') brush.line([x, high, x, low], line, 0.06);
        else points.push(x, i % 2 === 0 ? high : low);
        if (d.lacing === 'diamonds' && i > 0 && i < steps)
          brush.poly(
            [
              x,
              (high + low) / 2 - 0.16,
              x + 0.1,
              (high + low) / 2,
              x,
              (high + low) / 2 + 0.16,
              x - 0.1,
              (high + low) / 2,
            ],
            line,
            0.02,
          );
      }
      if (d.lacing === 'zigzag') brush.line(points, line, 0.06);
    });
    brush.oval(0, top, d.half + 0.03, lid + 0.02, brush.round(d.hoop, -d.half, d.half));
    brush.detail(() => brush.oval(0, top - 0.03, d.half * 0.9, lid * 0.86, 'hsla(42, 40%, 92%, 1)', 0.03));
    for (const side of [-1, 1]) {
      brush.at(side * 0.5, top - 0.42, side * (0.75 + 0.2 * pose.swing * side), 1, 1, () => {
        brush.box(-0.05, -0.38, 0.1, 0.8, 0.05, brush.lit([32, 60, 60], -0.4, 0.4), 0.035);
        brush.oval(0, 0.42, 0.085, 0.1, brush.lit([32, 55, 72], 0.3, 0.5), 0.035);
      });
    }
  },
  sound(v, timeS, seed) {
    const step = Math.floor(timeS / v.stepS);
    let sum = 0;
    for (let back = 0; back < 2 && back <= step; back += 1) {
      const at = step - back;
      const t = timeS - at * v.stepS;
      const hit = v.pattern[at % v.pattern.length];
      if (hit === 'k')
        sum +=
          2.6 * strike(t, 0.002, 0.11) * Math.sin(TAU * (v.kickHz * t + 5 * (1 - Math.exp(-t / 0.03)))) +
          0.5 * strike(t, 0.001, 0.012) * noise(seed, t, 5000);
      else if (hit === 't')
        sum +=
          2.2 * strike(t, 0.002, 0.1) * Math.sin(TAU * (v.tomHz * t + 3 * (1 - Math.exp(-t / 0.04)))) +
          0.4 * strike(t, 0.001, 0.015) * noise(seed, t, 4000);
      else sum += strike(t, 0.001, v.snareS) * (2.2 * noise(hash(seed, at), t, 13000) + 0.9 * Math.sin(TAU * 190 * t));
    }
    return sum;
  },
});

function star(brush: Brush, x: number, y: number, r: number, fill: string): void {
  const points: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    const radius = i % 2 === 0 ? r : r * 0.42;
    points.push(x + radius * Math.sin((TAU * i) / 10), y - radius * Math.cos((TAU * i) / 10));
  }
  brush.poly(points, fill, 0);
}
