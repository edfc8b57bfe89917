/** Draws frames and masks on two canvases of the frame's size, one over the other. */
import { type MaskMessage, paintClassMask } from '../shared/mask-codec.ts';
import { classColour } from './class-colour.ts';
import { addContours, traceContours } from './contour.ts';
import type { LocalFrame } from './frame-ring.ts';

export type MaskRendering = 'fill' | 'outline';

export interface OverlayStyle {
  readonly rendering: MaskRendering;
  /** 0..1 */
  readonly opacity: number;
  /** Any CSS colour; with several classes the others are turned away from it in hue. */
  readonly colour: string;
}

/** Widths of an outline and of a fill's edge, as shares of the picture's width. */
const OUTLINE_WIDTH = 1 / 200;
const EDGE_WIDTH = 1 / 360;

export class Overlay {
  readonly #frameCanvas: HTMLCanvasElement;
  readonly #maskCanvas: HTMLCanvasElement;
  readonly #frame: CanvasRenderingContext2D;
  readonly #mask: CanvasRenderingContext2D;
  #bits = new Uint8Array(0);
  #drawn: LocalFrame | undefined;

  constructor(frameCanvas: HTMLCanvasElement, maskCanvas: HTMLCanvasElement) {
    this.#frameCanvas = frameCanvas;
    this.#maskCanvas = maskCanvas;
    this.#frame = frameCanvas.getContext('2d', { alpha: false })!;
    this.#mask = maskCanvas.getContext('2d')!;
  }

  /** Does nothing when `frame` is the one on view. */
  drawFrame(frame: LocalFrame): void {
    if (frame === this.#drawn || frame.image === undefined) return;
    const width = 'displayWidth' in frame.image ? frame.image.displayWidth : frame.image.width;
    const height = 'displayHeight' in frame.image ? frame.image.displayHeight : frame.image.height;
    if (this.#frameCanvas.width !== width || this.#frameCanvas.height !== height) {
      for (const canvas of [this.#frameCanvas, this.#maskCanvas]) {
        canvas.width = width;
        canvas.height = height;
      }
    }
    this.#frame.drawImage(frame.image, 0, 0);
    this.#drawn = frame;
  }

  /** @param message undefined clears the mask. */
  drawMask(message: MaskMessage | undefined, style: OverlayStyle): void {
    const { width, height } = this.#maskCanvas;
    const context = this.#mask;
    context.clearRect(0, 0, width, height);
    if (message === undefined) return;
    const pixels = message.width * message.height;
    if (this.#bits.length !== pixels) this.#bits = new Uint8Array(pixels);
    context.lineJoin = 'round';
    for (const classMask of message.classes) {
      paintClassMask(message, classMask, this.#bits);
      const path = new Path2D();
      const contours = traceContours(this.#bits, message.width, message.height);
      addContours(path, contours, width / message.width, height / message.height);
      const colour = classColour(style.colour, classMask.classIndex);
      if (style.rendering === 'fill') {
        context.globalAlpha = style.opacity;
        context.fillStyle = colour;
        context.fill(path, 'evenodd');
      }
      this.#strokeCased(path, colour, style);
    }
  }

  /** A dark line under the coloured one keeps the edge visible on a background of any colour. */
  #strokeCased(path: Path2D, colour: string, { rendering, opacity }: OverlayStyle): void {
    const context = this.#mask;
    const lineWidth = Math.max(1.5, this.#maskCanvas.width * (rendering === 'fill' ? EDGE_WIDTH : OUTLINE_WIDTH));
    context.globalAlpha = Math.min(1, opacity + 0.3) * 0.6;
    context.strokeStyle = '#000';
    context.lineWidth = lineWidth * 2;
    context.stroke(path);
    context.globalAlpha = Math.min(1, opacity + 0.3);
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.stroke(path);
  }

  clear(): void {
    this.#drawn = undefined;
    this.#frame.clearRect(0, 0, this.#frameCanvas.width, this.#frameCanvas.height);
    this.#mask.clearRect(0, 0, this.#maskCanvas.width, this.#maskCanvas.height);
  }
}
