import type { BackdropPainter } from './backdrops/backdrop-painter.ts';
import { kitchen, pattern, room, stage } from './backdrops/indoors.ts';
import { beach, city, hills } from './backdrops/outdoors.ts';
import { type Canvas2d, css } from './brush.ts';
import { Random } from './random.ts';

const BACKDROPS: readonly BackdropPainter[] = [hills, room, city, stage, beach, pattern, kitchen];

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
