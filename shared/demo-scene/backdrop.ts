import { type Canvas2d, css, type Tone } from './brush.ts';
import { fraction, Random, TAU } from './random.ts';

type Painter = (canvas: Canvas2d, width: number, height: number, seed: number, timeS: number) => void;

function sky(canvas: Canvas2d, width: number, height: number, stops: readonly Tone[]): void {
  const gradient = canvas.createLinearGradient(0, 0, 0, height);
  stops.forEach((tone, i) => {
    gradient.addColorStop(i / (stops.length - 1), css(tone));
  });
  canvas.fillStyle = gradient;
  canvas.fillRect(0, 0, width, height);
}

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

const hills: Painter = (canvas, width, height, seed, timeS) => {
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

const room: Painter = (canvas, width, height, seed, timeS) => {
  const random = new Random(seed);
  const wall: Tone = [random.integer(360), random.between(18, 48), random.between(58, 82)];
  sky(canvas, width, height, [wall, [wall[0], wall[1], wall[2] - 9]]);
  const floorY = height * random.between(0.68, 0.78);
  const style = random.integer(3);
  canvas.fillStyle = css(wall, 5, 0.7);
  if (style === 0) for (let x = 0; x < width; x += width / 14) canvas.fillRect(x, 0, width / 30, floorY);
  if (style === 1) {
    for (let row = 0; row < 7; row += 1)
      for (let column = 0; column < 12; column += 1) {
        canvas.beginPath();
        canvas.arc((column + (row % 2) * 0.5) * (width / 11), (row + 0.5) * (floorY / 7), height * 0.011, 0, TAU);
        canvas.fill();
      }
  }
  const windowX = width * random.between(0.1, 0.6);
  const windowW = width * random.between(0.2, 0.3);
  const windowY = height * 0.12;
  const windowH = height * random.between(0.26, 0.36);
  canvas.fillStyle = css([random.pick([200, 215, 28, 240]), 60, random.between(40, 82)]);
  canvas.fillRect(windowX, windowY, windowW, windowH);
  canvas.fillStyle = 'hsla(0, 0%, 100%, 0.6)';
  canvas.beginPath();
  canvas.ellipse(
    windowX + windowW * (0.5 + 0.3 * Math.sin(timeS * 0.07)),
    windowY + windowH * 0.35,
    windowW * 0.16,
    windowH * 0.08,
    0,
    0,
    TAU,
  );
  canvas.fill();
  canvas.strokeStyle = css([wall[0], 15, 96]);
  canvas.lineWidth = height * 0.018;
  canvas.beginPath();
  canvas.moveTo(windowX, windowY);
  for (const [x, y] of [
    [1, 0],
    [1, 1],
    [0, 1],
    [0, 0],
    [0.5, 0],
    [0.5, 1],
  ] as const)
    canvas.lineTo(windowX + x * windowW, windowY + y * windowH);
  canvas.stroke();
  for (let i = 0; i < 2; i += 1) {
    const x = width * (windowX > width * 0.35 ? 0.06 + 0.12 * i : 0.72 + 0.13 * i);
    const y = height * random.between(0.14, 0.36);
    const size = height * random.between(0.1, 0.14);
    canvas.fillStyle = css([30, 40, 34]);
    canvas.fillRect(x, y, size, size * 1.2);
    canvas.fillStyle = css([random.integer(360), 45, 72]);
    canvas.fillRect(x + size * 0.1, y + size * 0.1, size * 0.8, size);
    canvas.fillStyle = css([random.integer(360), 50, 50]);
    canvas.fillRect(x + size * 0.1, y + size * 0.7, size * 0.8, size * 0.4);
  }
  const floor: Tone = [random.pick([28, 24, 34, 210, 12]), random.between(20, 48), random.between(34, 58)];
  canvas.fillStyle = css(floor);
  canvas.fillRect(0, floorY, width, height - floorY);
  canvas.fillStyle = css(floor, -9);
  for (let i = 1; i < 5; i += 1) canvas.fillRect(0, floorY + ((height - floorY) * i * i) / 20, width, height * 0.005);
  canvas.fillStyle = css([wall[0], 12, 93]);
  canvas.fillRect(0, floorY - height * 0.022, width, height * 0.022);
  canvas.fillStyle = css([random.integer(360), 40, 52], 0, 0.85);
  canvas.beginPath();
  canvas.ellipse(
    width * random.between(0.35, 0.65),
    floorY + (height - floorY) * 0.6,
    width * 0.28,
    (height - floorY) * 0.26,
    0,
    0,
    TAU,
  );
  canvas.fill();
};

const city: Painter = (canvas, width, height, seed, timeS) => {
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

const stage: Painter = (canvas, width, height, seed, timeS) => {
  const random = new Random(seed);
  const hue = random.pick([355, 265, 215, 165, 30]);
  sky(canvas, width, height, [
    [hue, 35, 14],
    [hue, 40, 30],
  ]);
  for (let i = 0; i < 3; i += 1) {
    const x = width * (0.25 + 0.25 * i + 0.05 * Math.sin(timeS * 0.2 + i * 2));
    const beam = canvas.createLinearGradient(0, 0, 0, height * 0.8);
    beam.addColorStop(0, css([hue + 40 * i, 80, 80], 0, 0.42));
    beam.addColorStop(1, css([hue + 40 * i, 80, 80], 0, 0.02));
    canvas.fillStyle = beam;
    canvas.beginPath();
    canvas.moveTo(width * (0.3 + 0.2 * i), 0);
    canvas.lineTo(x - width * 0.14, height * 0.8);
    canvas.lineTo(x + width * 0.14, height * 0.8);
    canvas.fill();
  }
  const boards: Tone = [random.pick([26, 32, 18]), 42, random.between(32, 46)];
  ground(canvas, width, height, 0.74, boards);
  for (let i = 0; i <= 12; i += 1) {
    canvas.strokeStyle = css(boards, -12);
    canvas.lineWidth = height * 0.004;
    canvas.beginPath();
    canvas.moveTo(width * (0.5 + (i - 6) * 0.06), height * 0.74);
    canvas.lineTo(width * (0.5 + (i - 6) * 0.13), height);
    canvas.stroke();
  }
  for (const side of [0, 1]) {
    for (let i = 0; i < 4; i += 1) {
      const sway = Math.sin(timeS * 0.4 + i) * 0.004;
      canvas.fillStyle = css([hue, 65, i % 2 === 0 ? 36 : 28]);
      const x = side === 0 ? i * 0.045 : 1 - (i + 1) * 0.045;
      canvas.beginPath();
      canvas.moveTo(width * x, 0);
      canvas.lineTo(width * (x + 0.047), 0);
      canvas.quadraticCurveTo(width * (x + 0.047 + sway), height * 0.5, width * (x + 0.042), height * 0.86);
      canvas.lineTo(width * (x + 0.004), height * 0.86);
      canvas.fill();
    }
  }
  canvas.fillStyle = css([hue, 65, 32]);
  for (let i = 0; i < 8; i += 1) {
    canvas.beginPath();
    canvas.ellipse((width * (i + 0.5)) / 8, 0, width * 0.075, height * 0.09, 0, 0, TAU);
    canvas.fill();
  }
};

/** Floor or counter from the height `from`, a share, to the bottom. */
function ground(canvas: Canvas2d, width: number, height: number, from: number, tone: Tone): void {
  const gradient = canvas.createLinearGradient(0, height * from, 0, height);
  gradient.addColorStop(0, css(tone, 10));
  gradient.addColorStop(1, css(tone, -6));
  canvas.fillStyle = gradient;
  canvas.fillRect(0, height * from, width, height * (1 - from));
}

const beach: Painter = (canvas, width, height, seed, timeS) => {
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

const pattern: Painter = (canvas, width, height, seed, timeS) => {
  const random = new Random(seed);
  const hue = random.integer(360);
  const light = random.between(24, 82);
  sky(canvas, width, height, [
    [hue, 45, light],
    [hue + random.between(-60, 60), 45, light + random.between(-14, 14)],
  ]);
  const round = random.chance(0.5);
  for (let i = 0; i < 26; i += 1) {
    const size = random.between(0.02, 0.13) * height;
    const x = (random.next() + 0.03 * Math.sin(timeS * 0.13 + i)) * width;
    const y = (random.next() + 0.03 * Math.cos(timeS * 0.11 + i * 2)) * height;
    canvas.fillStyle = css(
      [hue + random.between(-50, 50), random.between(25, 60), light + random.between(-18, 18)],
      0,
      random.between(0.3, 0.8),
    );
    if (round) {
      canvas.beginPath();
      canvas.arc(x, y, size, 0, TAU);
      canvas.fill();
    } else {
      canvas.fillRect(x - size, y - size * 0.7, 2 * size, 1.4 * size);
    }
  }
};

const kitchen: Painter = (canvas, width, height, seed, timeS) => {
  const random = new Random(seed);
  const tile: Tone = [random.integer(360), random.between(15, 45), random.between(66, 88)];
  sky(canvas, width, height, [
    [tile[0], tile[1] * 0.4, 94],
    [tile[0], tile[1] * 0.4, 88],
  ]);
  const across = random.pick([8, 10, 13]);
  const size = width / across;
  const drift = Math.sin(timeS * 0.06) * size * 0.12;
  for (let row = 0; row * size < height * 0.72; row += 1)
    for (let column = -1; column <= across; column += 1) {
      canvas.fillStyle = css(
        tile,
        (fraction(seed, row * 31 + column + 1) - 0.5) * 12 + ((row + column) % 2 === 0 ? 4 : -4),
      );
      canvas.fillRect(column * size + drift + size * 0.03, row * size + size * 0.03, size * 0.94, size * 0.94);
    }
  const shelf: Tone = [random.pick([26, 32, 20]), 42, random.between(34, 56)];
  canvas.fillStyle = css(shelf);
  canvas.fillRect(0, height * 0.3, width * 0.34, height * 0.03);
  for (let i = 0; i < 4; i += 1) {
    canvas.fillStyle = css([random.integer(360), 40, random.between(40, 70)]);
    const h = random.between(0.06, 0.13) * height;
    canvas.fillRect(width * (0.02 + 0.08 * i), height * 0.3 - h, width * 0.055, h);
  }
  ground(canvas, width, height, 0.7, shelf);
  canvas.fillStyle = css(shelf, 22);
  canvas.fillRect(0, height * 0.7, width, height * 0.035);
};

const BACKDROPS: readonly Painter[] = [hills, room, city, stage, beach, pattern, kitchen];

/** Paints the background over the whole picture; it moves slowly and never sounds. */
export function paintBackdrop(canvas: Canvas2d, width: number, height: number, seed: number, timeMs: number): void {
  const random = new Random(seed);
  random.pick(BACKDROPS)(canvas, width, height, random.integer(0x7fffffff), timeMs / 1000);
}

/** Darkens the corners a little and tints the light, as a camera would. */
export function paintLight(canvas: Canvas2d, width: number, height: number, seed: number): void {
  const random = new Random(seed ^ 0x51ed);
  canvas.fillStyle = css([random.pick([30, 45, 210, 260]), 60, random.between(20, 80)], 0, random.between(0, 0.12));
  canvas.fillRect(0, 0, width, height);
  const corner = canvas.createRadialGradient(
    width / 2,
    height / 2,
    Math.min(width, height) * 0.45,
    width / 2,
    height / 2,
    Math.hypot(width, height) * 0.55,
  );
  corner.addColorStop(0, 'hsla(230, 40%, 8%, 0)');
  corner.addColorStop(1, `hsla(230, 40%, 8%, ${random.between(0.1, 0.32)})`);
  canvas.fillStyle = corner;
  canvas.fillRect(0, 0, width, height);
}
