import { type Canvas2d, css, type Tone } from '../brush.ts';
import { fraction, Random, TAU } from '../random.ts';
import { type BackdropPainter, sky } from './backdrop-painter.ts';

/** A ridge of hills whose line is a sum of two waves. */
function ridge(
  canvas: Canvas2d,
  width: number,
  height: number,
  base: number,
  rise: number,
  shift: number,
  tone: Tone,
): void {
  const gradient = canvas.createLinearGradient(0, height * (base - rise), 0, height);
  gradient.addColorStop(0, css(tone, 8));
  gradient.addColorStop(1, css(tone, -8));
  canvas.fillStyle = gradient;
  canvas.beginPath();
  canvas.moveTo(0, height);
  for (let i = 0; i <= 24; i += 1) {
    const x = i / 24;
    const y = base - rise * (0.6 * Math.sin(4.1 * x + shift) + 0.4 * Math.sin(9.7 * x + 2.3 * shift));
    canvas.lineTo(x * width, y * height);
  }
  canvas.lineTo(width, height);
  canvas.fill();
}

/** Hills, trees, clouds and a sun. */
export const hills: BackdropPainter = (canvas, width, height, seed, timeS) => {
  const random = new Random(seed);
  const hue = random.pick([200, 210, 25, 330, 260, 190]);
  sky(canvas, width, height, [
    [hue, 65, random.between(45, 72)],
    [hue - 15, 60, 82],
    [45, 70, 90],
  ]);
  const sunX = random.between(0.15, 0.85) * width;
  canvas.fillStyle = css([48, 95, 86], 0, 0.9);
  canvas.beginPath();
  canvas.arc(sunX, height * random.between(0.12, 0.3), height * 0.07, 0, TAU);
  canvas.fill();
  for (let i = 0; i < 4; i += 1) {
    const x = ((random.next() + timeS * random.between(0.004, 0.012)) % 1.3) * width - 0.15 * width;
    const y = random.between(0.06, 0.34) * height;
    const r = random.between(0.03, 0.055) * height;
    canvas.fillStyle = 'hsla(0, 0%, 100%, 0.85)';
    canvas.beginPath();
    for (let k = -2; k <= 2; k += 1)
      canvas.ellipse(x + k * r, y, r * (1.15 - 0.2 * Math.abs(k)), r * (1 - 0.22 * Math.abs(k)), 0, 0, TAU);
    canvas.fill();
  }
  const land = random.pick([105, 85, 140, 45, 165]);
  const shift = random.between(0, 6) + 0.02 * timeS;
  ridge(canvas, width, height, 0.6, 0.09, shift, [land + 40, 25, 62]);
  ridge(canvas, width, height, 0.7, 0.07, shift * 1.4 + 2, [land + 15, 35, 52]);
  for (let i = 0; i < 9; i += 1) {
    const x = random.next() * width;
    const y = (0.68 + 0.08 * random.next()) * height;
    const r = random.between(0.02, 0.045) * height;
    canvas.fillStyle = css([land + 20, 40, random.between(28, 38)]);
    canvas.beginPath();
    canvas.moveTo(x - r, y);
    canvas.lineTo(x, y - 3 * r);
    canvas.lineTo(x + r, y);
    canvas.fill();
  }
  ridge(canvas, width, height, 0.82, 0.045, shift * 2 + 4, [land, 45, 44]);
};

/** Streets by day or night. */
export const city: BackdropPainter = (canvas, width, height, seed, timeS) => {
  const random = new Random(seed);
  const night = random.chance(0.5);
  const hue = random.pick([225, 265, 15, 200, 340]);
  sky(
    canvas,
    width,
    height,
    night
      ? [
          [hue, 50, 14],
          [hue, 45, 32],
          [hue + 30, 50, 52],
        ]
      : [
          [hue, 45, 62],
          [hue + 10, 50, 78],
          [40, 60, 88],
        ],
  );
  for (let layer = 0; layer < 2; layer += 1) {
    const body: Tone = [hue + 10, 22, (night ? 24 : 62) - layer * (night ? 9 : 20)];
    let x = -0.06 * width + Math.sin(timeS * 0.05 + layer) * width * 0.012;
    while (x < width * 1.05) {
      const w = random.between(0.06, 0.13) * width;
      const top = random.between(0.28 + layer * 0.14, 0.6 + layer * 0.06) * height;
      canvas.fillStyle = css(body);
      canvas.fillRect(x, top, w, height * 0.84 - top);
      const lit = random.integer(4096);
      canvas.fillStyle = night ? 'hsla(48, 90%, 70%, 0.8)' : css(body, 16);
      for (let k = 0; k < 12; k += 1)
        if ((lit >> k) & 1)
          canvas.fillRect(
            x + w * (0.16 + 0.27 * (k % 3)),
            top + height * (0.025 + 0.05 * Math.floor(k / 3)),
            w * 0.14,
            height * 0.024,
          );
      x += w * random.between(0.95, 1.15);
    }
  }
  canvas.fillStyle = css([hue, 8, night ? 20 : 46]);
  canvas.fillRect(0, height * 0.82, width, height * 0.18);
  canvas.fillStyle = css([48, 20, 86], 0, 0.8);
  for (let i = 0; i < 7; i += 1)
    canvas.fillRect(width * (i / 6.5 - 0.02), height * 0.905, width * 0.08, height * 0.014);
  canvas.fillStyle = css([hue, 8, night ? 34 : 66]);
  canvas.fillRect(0, height * 0.815, width, height * 0.022);
};

/** Sea and sand. */
export const beach: BackdropPainter = (canvas, width, height, seed, timeS) => {
  const random = new Random(seed);
  const hue = random.pick([195, 205, 20, 285]);
  sky(canvas, width, height, [
    [hue, 70, random.between(50, 66)],
    [hue + 10, 65, 86],
  ]);
  canvas.fillStyle = css([random.pick([185, 205, 220]), 55, random.between(38, 54)]);
  canvas.fillRect(0, height * 0.5, width, height * 0.3);
  canvas.fillStyle = 'hsla(0, 0%, 100%, 0.28)';
  for (let i = 0; i < 16; i += 1) {
    const y = height * (0.51 + 0.2 * fraction(seed, i));
    const x = ((fraction(seed + 1, i) + timeS * 0.01 * (1 + fraction(seed, i))) % 1.2) * width - width * 0.1;
    canvas.beginPath();
    canvas.ellipse(x, y, width * 0.04, height * 0.004, 0, 0, TAU);
    canvas.fill();
  }
  ridge(canvas, width, height, 0.74, 0.03, random.between(0, 6) + timeS * 0.03, [
    random.pick([42, 36, 48]),
    55,
    random.between(66, 78),
  ]);
  for (let i = 0; i < 30; i += 1) {
    canvas.fillStyle = css([36, 40, 50 + 40 * fraction(seed + 3, i)], 0, 0.5);
    canvas.beginPath();
    canvas.ellipse(
      width * fraction(seed + 4, i),
      height * (0.82 + 0.18 * fraction(seed + 5, i)),
      height * 0.008,
      height * 0.004,
      0,
      0,
      TAU,
    );
    canvas.fill();
  }
};
