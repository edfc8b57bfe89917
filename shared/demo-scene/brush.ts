import { TAU } from './random.ts';

/** The part of a canvas gradient the scene needs. */
export interface Gradient {
  addColorStop(offset: number, color: string): void;
}

/** The part of CanvasRenderingContext2D the scene draws with. The DOM's, OffscreenCanvas's and @napi-rs/canvas's contexts all fit. */
export interface Canvas2d {
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  lineCap: 'butt' | 'round' | 'square';
  lineJoin: 'bevel' | 'miter' | 'round';
  save(): void;
  restore(): void;
  translate(x: number, y: number): void;
  rotate(angle: number): void;
  scale(x: number, y: number): void;
  beginPath(): void;
  closePath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  quadraticCurveTo(cpx: number, cpy: number, x: number, y: number): void;
  bezierCurveTo(cp1x: number, cp1y: number, cp2x: number, cp2y: number, x: number, y: number): void;
  arc(x: number, y: number, radius: number, startAngle: number, endAngle: number): void;
  ellipse(
    x: number,
    y: number,
    radiusX: number,
    radiusY: number,
    rotation: number,
    startAngle: number,
    endAngle: number,
  ): void;
  fill(): void;
  stroke(): void;
  fillRect(x: number, y: number, w: number, h: number): void;
  createLinearGradient(x0: number, y0: number, x1: number, y1: number): Gradient;
  createRadialGradient(x0: number, y0: number, r0: number, x1: number, y1: number, r1: number): Gradient;
}

/** Hue in degrees, saturation and lightness in per cent. */
export type Tone = readonly [hue: number, saturation: number, lightness: number];

/** What a shape is filled with. */
export type Fill = string | Gradient;

/** CSS colour of a tone; `lighter` is added to its lightness, `alpha` is in [0, 1]. */
export function css(tone: Tone, lighter = 0, alpha = 1): string {
  const lightness = Math.min(98, Math.max(3, tone[2] + lighter));
  return `hsla(${(((tone[0] % 360) + 360) % 360).toFixed(1)}, ${tone[1].toFixed(1)}%, ${lightness.toFixed(1)}%, ${alpha})`;
}

/**
 * Draws outlined shapes in a unit box, x and y in [-1, 1], y downwards.
 * A brush with a `flat` colour paints every shape in that one colour, which turns any drawing into its silhouette.
 */
export class Brush {
  readonly canvas: Canvas2d;
  readonly flat: string | null;
  readonly hueShift: number;
  /** Colour of outlines. */
  ink = 'hsla(230, 30%, 14%, 1)';

  constructor(canvas: Canvas2d, flat: string | null = null, hueShift = 0) {
    this.canvas = canvas;
    this.flat = flat;
    this.hueShift = hueShift;
    canvas.lineCap = 'round';
    canvas.lineJoin = 'round';
  }

  /** The tone as a plain colour, hue shift applied. */
  plain(tone: Tone, lighter = 0, alpha = 1): string {
    return css([tone[0] + this.hueShift, tone[1], tone[2]], lighter, alpha);
  }

  /** The tone lit from above, from `top` to `bottom`. */
  lit(tone: Tone, top = -1, bottom = 1): Fill {
    if (this.flat !== null) return this.flat;
    const gradient = this.canvas.createLinearGradient(0, top, 0, bottom);
    gradient.addColorStop(0, this.plain(tone, 14));
    gradient.addColorStop(0.55, this.plain(tone));
    gradient.addColorStop(1, this.plain(tone, -14));
    return gradient;
  }

  /** The tone lit from the left, as round metal is. */
  round(tone: Tone, left = -1, right = 1): Fill {
    if (this.flat !== null) return this.flat;
    const gradient = this.canvas.createLinearGradient(left, 0, right, 0);
    gradient.addColorStop(0, this.plain(tone, -12));
    gradient.addColorStop(0.3, this.plain(tone, 18));
    gradient.addColorStop(0.55, this.plain(tone));
    gradient.addColorStop(1, this.plain(tone, -20));
    return gradient;
  }

  /** Fills the traced path and, when `line` > 0, outlines it in ink of that width. */
  shape(trace: (canvas: Canvas2d) => void, fill: Fill | null, line = 0.05): void {
    const { canvas } = this;
    canvas.beginPath();
    trace(canvas);
    if (fill !== null) {
      canvas.fillStyle = this.flat ?? fill;
      canvas.fill();
    }
    if (line > 0) {
      canvas.strokeStyle = this.flat ?? this.ink;
      canvas.lineWidth = line;
      canvas.stroke();
    }
  }

  oval(x: number, y: number, rx: number, ry: number, fill: Fill, line = 0.05, angle = 0): void {
    this.shape((c) => c.ellipse(x, y, rx, ry, angle, 0, TAU), fill, line);
  }

  /** A box by its corner and size, with corners of the given radius. */
  box(x: number, y: number, w: number, h: number, radius: number, fill: Fill, line = 0.05): void {
    const r = Math.min(radius, w / 2, h / 2);
    this.shape(
      (c) => {
        c.moveTo(x + r, y);
        c.lineTo(x + w - r, y);
        c.quadraticCurveTo(x + w, y, x + w, y + r);
        c.lineTo(x + w, y + h - r);
        c.quadraticCurveTo(x + w, y + h, x + w - r, y + h);
        c.lineTo(x + r, y + h);
        c.quadraticCurveTo(x, y + h, x, y + h - r);
        c.lineTo(x, y + r);
        c.quadraticCurveTo(x, y, x + r, y);
        c.closePath();
      },
      fill,
      line,
    );
  }

  /** A closed polygon of points x0, y0, x1, y1, ... */
  poly(points: readonly number[], fill: Fill, line = 0.05): void {
    this.shape(
      (c) => {
        for (let i = 0; i + 1 < points.length; i += 2) c.lineTo(points[i] as number, points[i + 1] as number);
        c.closePath();
      },
      fill,
      line,
    );
  }

  /** An open line through points x0, y0, x1, y1, ... */
  line(points: readonly number[], color: string, width: number): void {
    const { canvas } = this;
    canvas.beginPath();
    for (let i = 0; i + 1 < points.length; i += 2) canvas.lineTo(points[i] as number, points[i + 1] as number);
    canvas.strokeStyle = this.flat ?? color;
    canvas.lineWidth = width;
    canvas.stroke();
  }

  /** An open path of one colour, such as a curl of wire. */
  curve(trace: (canvas: Canvas2d) => void, color: string, width: number): void {
    const { canvas } = this;
    canvas.beginPath();
    trace(canvas);
    canvas.strokeStyle = this.flat ?? color;
    canvas.lineWidth = width;
    canvas.stroke();
  }

  /** Draws in a box moved to (x, y), turned by `angle` radians and scaled. */
  at(x: number, y: number, angle: number, scaleX: number, scaleY: number, draw: () => void): void {
    const { canvas } = this;
    canvas.save();
    canvas.translate(x, y);
    canvas.rotate(angle);
    canvas.scale(scaleX, scaleY);
    draw();
    canvas.restore();
  }

  /** Draws what lies wholly inside the silhouette or is no part of it: nothing for a flat brush. */
  detail(draw: () => void): void {
    if (this.flat === null) draw();
  }
}
