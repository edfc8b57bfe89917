/** Runs in the server's own page, before its code: publishes the demo scene and notes the masks. Self-contained: its source travels. */
import type { MaskSample } from './mask-sample.ts';

/** What the page's element tells of a mask (docs/client.md, event `mask`). */
interface MaskEvent extends Event {
  readonly detail: {
    readonly message: Pick<MaskSample, 'gated' | 'stagesMs'>;
    readonly arrivalMs: number;
    readonly frameToMaskMs: number;
  };
}

declare global {
  interface Window {
    loadtestMasks: MaskSample[];
  }
}

/** Notes every mask that was paired with a frame of the page. */
export function noteMasks(): void {
  window.loadtestMasks = [];
  document.addEventListener('DOMContentLoaded', () => {
    document.querySelector('avsac-live')!.addEventListener('mask', (event) => {
      const { message, arrivalMs, frameToMaskMs } = (event as MaskEvent).detail;
      window.loadtestMasks.push({
        captureMs: performance.timeOrigin + arrivalMs - frameToMaskMs,
        arrivalMs: performance.timeOrigin + arrivalMs,
        loopMs: 0,
        iou: undefined,
        gated: message.gated,
        stagesMs: message.stagesMs,
      });
    });
  });
}
