import { css, type Tone } from '../brush.ts';
import { fraction, Random, TAU } from '../random.ts';
import { type BackdropPainter, ground, sky } from './backdrop-painter.ts';

/** A room with a window, pictures and a rug. */
export const room: BackdropPainter = (canvas, width, height, seed, timeS) => {
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

/** A stage with curtains and lights. */
export const stage: BackdropPainter = (canvas, width, height, seed, timeS) => {
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

/** Tiles, a shelf and a counter. */
export const kitchen: BackdropPainter = (canvas, width, height, seed, timeS) => {
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

/** Discs or boxes of like colours. */
export const pattern: BackdropPainter = (canvas, width, height, seed, timeS) => {
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
