import { type Canvas2d, css, type Tone } from '../brush.ts';

/** Paints one background over the whole picture of `width` x `height` px; `seed` chooses its colours and places. */
export type BackdropPainter = (canvas: Canvas2d, width: number, height: number, seed: number, timeS: number) => void;

/** Fills the whole picture from top to bottom. */
export function sky(canvas: Canvas2d, width: number, height: number, stops: readonly Tone[]): void {
  const gradient = canvas.createLinearGradient(0, 0, 0, height);
  stops.forEach((tone, i) => {
    gradient.addColorStop(i / (stops.length - 1), css(tone));
  });
  canvas.fillStyle = gradient;
  canvas.fillRect(0, 0, width, height);
}

/** Floor or counter from the height `from`, a share, to the bottom. */
export function ground(canvas: Canvas2d, width: number, height: number, from: number, tone: Tone): void {
  const gradient = canvas.createLinearGradient(0, height * from, 0, height);
  gradient.addColorStop(0, css(tone, 10));
  gradient.addColorStop(1, css(tone, -6));
  canvas.fillStyle = gradient;
  canvas.fillRect(0, height * from, width, height * (1 - from));
}
