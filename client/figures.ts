/** The page's live figures: one flat record, for the status strip, the chart and whoever watches the page. */
import type { AvsacLiveStats } from './avsac-live.ts';
import type { DemoFigures } from './demo-score.ts';

export interface PageFigures extends AvsacLiveStats {
  /** Present while the demo scene is the source. */
  readonly demo: DemoFigures | undefined;
}

/** One line of the status strip; `value` is ready to be read. */
export interface FigureLine {
  readonly label: string;
  readonly value: string;
}

export interface HeadlineFigure extends FigureLine {
  readonly unit: string;
}

const NONE = '–';

const round = (value: number | undefined, digits = 0) => (value === undefined ? NONE : value.toFixed(digits));
const percent = (share: number | undefined, digits = 1) =>
  share === undefined ? NONE : `${(share * 100).toFixed(digits)} %`;
const ms = (value: number | undefined, digits = 0) => (value === undefined ? NONE : `${value.toFixed(digits)} ms`);
const pairMs = (p50: number | undefined, p95: number | undefined, digits = 0) =>
  p50 === undefined ? NONE : `${round(p50, digits)} / ${round(p95, digits)} ms`;

/** The four that say whether it works: with the demo scene, how right it is; otherwise, how quick. */
export function headline(figures: PageFigures): HeadlineFigure[] {
  const { masks, demo, server } = figures;
  const first: HeadlineFigure[] = [
    { label: 'masks a second', value: round(masks?.rateHz, 1), unit: '' },
    { label: 'frame to mask, median', value: round(masks?.frameToMaskP50Ms), unit: 'ms' },
  ];
  const percentOf = (share: number | undefined) => (share === undefined ? NONE : (share * 100).toFixed(1));
  return demo === undefined
    ? [
        ...first,
        { label: 'masks on their own frame', value: percentOf(masks?.pairedShare), unit: '%' },
        { label: 'sound to picture skew, p95', value: round(server?.skewP95Ms, 1), unit: 'ms' },
      ]
    : [
        ...first,
        { label: 'IoU with the truth', value: round(demo.iou, 2), unit: '' },
        { label: 'lit while all is silent', value: percentOf(demo.litWhileSilent), unit: '%' },
      ];
}

export function figureLines(figures: PageFigures): FigureLine[] {
  const { masks, send, server, demo, model } = figures;
  const line = (label: string, value: string): FigureLine => ({ label, value });
  return [
    line('Frame to mask, p50 / p95', pairMs(masks?.frameToMaskP50Ms, masks?.frameToMaskP95Ms)),
    ...(demo === undefined
      ? []
      : [
          line('Sound onset to mask, p50 / p95', pairMs(demo.onsetToMaskP50Ms, demo.onsetToMaskP95Ms)),
          line('Lit, sound out of view', percent(demo.litWhileUnseen)),
        ]),
    line('A/V skew, p50 / p95', pairMs(server?.skewP50Ms, server?.skewP95Ms, 1)),
    line('Masks on their own frame', percent(masks?.pairedShare)),
    line('Answered by silence gate', percent(masks?.gatedShare, 0)),
    line('Sent', sent(figures)),
    line('Round trip', ms(send?.roundTripMs, 1)),
    line('Picture runs behind by', figures.state === 'idle' ? NONE : ms(figures.displayDelayMs)),
    line('Frames told apart by', figures.frameTap ?? NONE),
    line('Frames timed by', masks?.frameClock ?? NONE),
    line('Clock from', server?.clockSource ?? NONE),
    line(
      'Model',
      model === undefined ? NONE : `${model.name} ${model.version}, ${model.inputWidth}×${model.inputHeight}`,
    ),
    line('Execution provider', server?.executionProvider ?? model?.executionProvider ?? NONE),
    // The longest come last: their lines may wrap, and nothing below moves.
    line('Server stages, p50', stages(masks?.stagesP50Ms)),
    line('Dropped', drops(figures)),
  ];
}

function stages(stagesMs: Readonly<Partial<Record<string, number>>> | undefined): string {
  const parts = Object.entries(stagesMs ?? {}).map(([stage, p50]) => `${stage} ${round(p50, 1)}`);
  return parts.length === 0 ? NONE : `${parts.join(' · ')} ms`;
}

function drops({ masks, server, frameTapDrops }: PageFigures): string {
  if (masks === undefined) return NONE;
  const counts = new Map<string, number>([
    ...Object.entries(server?.drops ?? {}),
    ...Object.entries(masks.drops),
    ['lost', masks.lost],
    ['frame-copy', frameTapDrops],
  ]);
  const parts = [...counts].filter(([, count]) => count > 0).map(([reason, count]) => `${reason} ${count}`);
  return parts.length === 0 ? 'none' : parts.join(' · ');
}

function sent({ send }: PageFigures): string {
  if (send?.frameWidth === undefined) return NONE;
  const allowed = send.availableOutgoingBitrate;
  const limit = allowed === undefined ? '' : ` of ${(allowed / 1e6).toFixed(2)}`;
  const rate = send.videoBitrate === undefined ? '' : `, ${(send.videoBitrate / 1e6).toFixed(2)}${limit} Mbit/s`;
  return `${send.frameWidth}×${send.frameHeight} ${send.videoCodec ?? ''}, ${round(send.framesPerSecond)} fps${rate}`;
}
