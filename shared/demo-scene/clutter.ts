import type { Brush, Tone } from './brush.ts';
import { noise, type Random, TAU } from './random.ts';

/** A thing that never sounds and is of no kind that does. */
export interface Clutter {
  /** Index into the clutter designs. */
  readonly design: number;
  readonly tone: Tone;
  /** Home of its centre as a share of width and height; half its box as a share of the shorter side. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly motion: number;
}

type Painter = (brush: Brush, tone: Tone) => void;

const plant: Painter = (brush, tone) => {
  for (let i = -3; i <= 3; i += 1) {
    brush.at(0, 0.3, i * 0.38, 1, 1, () =>
      brush.oval(0, -0.62, 0.15, 0.6, brush.lit([110 + 5 * i, 45, 38], -1, 0), 0.04),
    );
  }
  brush.poly([-0.42, 0.25, 0.42, 0.25, 0.3, 0.95, -0.3, 0.95], brush.lit(tone, 0.2, 1));
};

const crate: Painter = (brush, tone) => {
  const wood: Tone = [(tone[0] % 20) + 22, 48, 48];
  brush.box(-0.8, -0.75, 1.6, 1.6, 0.06, brush.lit(wood));
  brush.detail(() => {
    for (const y of [-0.35, 0.05, 0.45]) brush.line([-0.75, y, 0.75, y], brush.plain(wood, -20), 0.04);
    brush.line([-0.72, 0.78, 0.72, -0.68], brush.plain(wood, -14), 0.14);
  });
};

const balloon: Painter = (brush, tone) => {
  brush.curve(
    (c) => {
      c.moveTo(0, 0.4);
      c.bezierCurveTo(0.14, 0.6, -0.14, 0.8, 0, 1);
    },
    brush.ink,
    0.035,
  );
  brush.oval(0, -0.25, 0.52, 0.66, brush.lit(tone, -0.9, 0.4));
  brush.poly([-0.09, 0.5, 0.09, 0.5, 0, 0.38], brush.plain(tone, -8), 0.03);
  brush.detail(() => brush.oval(-0.2, -0.5, 0.1, 0.17, 'hsla(0, 0%, 100%, 0.55)', 0, 0.4));
};

const ball: Painter = (brush, tone) => {
  brush.oval(0, 0.2, 0.75, 0.75, brush.lit(tone));
  brush.detail(() => {
    brush.oval(0, 0.2, 0.3, 0.74, brush.plain([tone[0] + 60, 70, 80]), 0.03, 0.5);
    brush.oval(-0.25, -0.12, 0.14, 0.1, 'hsla(0, 0%, 100%, 0.6)', 0, -0.6);
  });
};

const mushroom: Painter = (brush, tone) => {
  brush.box(-0.24, 0, 0.48, 0.9, 0.2, brush.lit([40, 40, 86], 0, 0.9));
  brush.shape(
    (c) => {
      c.moveTo(-0.82, 0.16);
      c.bezierCurveTo(-0.8, -0.95, 0.8, -0.95, 0.82, 0.16);
      c.quadraticCurveTo(0, 0.32, -0.82, 0.16);
    },
    brush.lit(tone, -0.7, 0.2),
  );
  brush.detail(() => {
    for (const [x, y, r] of [
      [-0.4, -0.15, 0.13],
      [0.1, -0.4, 0.15],
      [0.48, -0.06, 0.11],
    ] as const)
      brush.oval(x, y, r, r * 0.9, 'hsla(0, 0%, 97%, 1)', 0);
  });
};

const books: Painter = (brush, tone) => {
  for (let i = 0; i < 4; i += 1) {
    const w = 1.5 - 0.12 * ((i * 3) % 4);
    brush.box(
      -w / 2 + 0.06 * ((i % 3) - 1),
      0.55 - 0.38 * i,
      w,
      0.36,
      0.05,
      brush.lit([tone[0] + 75 * i, 50, 50], 0.5 - 0.38 * i, 0.95 - 0.38 * i),
      0.045,
    );
  }
};

const cactus: Painter = (brush, tone) => {
  const green: Tone = [130 + (tone[0] % 30), 40, 40];
  brush.curve(
    (c) => {
      c.moveTo(-0.5, -0.2);
      c.quadraticCurveTo(-0.5, 0.2, 0, 0.2);
      c.quadraticCurveTo(0.5, 0.1, 0.5, -0.4);
    },
    brush.ink,
    0.32,
  );
  brush.curve(
    (c) => {
      c.moveTo(-0.5, -0.2);
      c.quadraticCurveTo(-0.5, 0.2, 0, 0.2);
      c.quadraticCurveTo(0.5, 0.1, 0.5, -0.4);
    },
    brush.plain(green),
    0.24,
  );
  brush.box(-0.24, -0.9, 0.48, 1.5, 0.24, brush.round(green, -0.3, 0.3));
  brush.poly([-0.45, 0.5, 0.45, 0.5, 0.34, 0.98, -0.34, 0.98], brush.lit([tone[0], 55, 50], 0.5, 1));
};

const gift: Painter = (brush, tone) => {
  brush.box(-0.7, -0.35, 1.4, 1.25, 0.05, brush.lit(tone));
  const ribbon = brush.plain([tone[0] + 150, 70, 62]);
  brush.detail(() => {
    brush.box(-0.14, -0.33, 0.28, 1.21, 0, ribbon, 0);
    brush.box(-0.68, 0.16, 1.36, 0.24, 0, ribbon, 0);
  });
  brush.oval(-0.25, -0.52, 0.26, 0.15, ribbon, 0.045, 0.4);
  brush.oval(0.25, -0.52, 0.26, 0.15, ribbon, 0.045, -0.4);
};

const PAINTERS: readonly Painter[] = [plant, crate, balloon, ball, mushroom, books, cactus, gift];

/** Draws `count` pieces of clutter, small and anywhere. */
export function castClutter(random: Random, count: number): Clutter[] {
  return Array.from({ length: count }, () => ({
    design: random.integer(PAINTERS.length),
    tone: [random.integer(360), random.between(45, 80), random.between(40, 62)] as const,
    x: random.between(0.06, 0.94),
    y: random.between(0.3, 0.9),
    radius: random.between(0.06, 0.13),
    motion: random.integer(0x7fffffff),
  }));
}

/** Paints one piece at its place at `timeMs`. */
export function paintClutter(brush: Brush, width: number, height: number, clutter: Clutter, timeMs: number): void {
  const t = timeMs / 1000;
  const size = clutter.radius * Math.min(width, height);
  const x = (clutter.x + 0.015 * noise(clutter.motion, t, 0.3)) * width;
  const y = (clutter.y + 0.012 * Math.sin(t * 0.9 + (clutter.motion % 7))) * height;
  brush.at(x, y, 0.08 * Math.sin((TAU * t) / 7 + (clutter.motion % 5)), size, size, () =>
    (PAINTERS[clutter.design] as Painter)(brush, clutter.tone),
  );
}
