/** The page around `<avsac-live>`: picks a source, shows the figures. URL parameters: docs/client.md. */
import { type AvsacLive, type AvsacLiveEventMap, defineAvsacLive } from './avsac-live.ts';
import { LatencyChart } from './chart.ts';
import { DemoScore } from './demo-score.ts';
import { failure, SourceError } from './failure.ts';
import type { PageFigures } from './figures.ts';
import { openCamera } from './sources/camera.ts';
import { type DemoSource, openDemoScene } from './sources/demo-scene.ts';
import { openFile } from './sources/file.ts';
import type { Source, SourceKind } from './sources/source.ts';
import { StatusStrip } from './status-strip.ts';

declare global {
  interface Window {
    /** The figures on the status strip, as numbers. */
    avsacPage: { readonly figures: PageFigures };
  }
}

function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

defineAvsacLive();
const live = byId<AvsacLive>('live');
const form = byId<HTMLFormElement>('controls');
const startButton = byId<HTMLButtonElement>('start');
const fileInput = byId<HTMLInputElement>('file');
const opacityInput = byId<HTMLInputElement>('opacity');
const listenInput = byId<HTMLInputElement>('listen');
const fullscreenButton = byId<HTMLButtonElement>('fullscreen');
const strip = new StatusStrip(byId('headline'), byId('figures'));
const chart = new LatencyChart(byId('chart'));
const parameters = new URLSearchParams(location.search);

let source: Source | undefined;
let score: DemoScore | undefined;
/** Counts starts, so that a source which opens after the person has gone on is given back at once. */
let generation = 0;
let startedMs = 0;

const currentFigures = (): PageFigures => ({ ...live.stats, demo: score?.figures(performance.now()) });
window.avsacPage = {
  get figures() {
    return currentFigures();
  },
};

const chosenKind = () => new FormData(form).get('source') as SourceKind;

function seed(): number {
  const given = Number.parseInt(parameters.get('seed') ?? '', 10);
  return Number.isInteger(given) ? given : Math.floor(Math.random() * 2 ** 31);
}

async function openSource(kind: SourceKind): Promise<Source | undefined> {
  if (kind === 'camera') return openCamera();
  if (kind === 'demo') return openDemoScene(seed());
  const [file] = fileInput.files ?? [];
  if (file !== undefined) return openFile(file);
  fileInput.click();
  return undefined;
}

async function start(): Promise<void> {
  stop();
  const mine = ++generation;
  startButton.disabled = true;
  try {
    const opened = await openSource(chosenKind());
    if (mine !== generation) {
      opened?.stop();
      return;
    }
    if (opened !== undefined) run(opened);
  } catch (error) {
    live.fail(error instanceof SourceError ? error.failure : failure('capture-unsupported', error));
  } finally {
    startButton.disabled = false;
  }
}

function run(opened: Source): void {
  source = opened;
  score = opened.kind === 'demo' ? new DemoScore(opened as DemoSource) : undefined;
  if (listenInput.checked) opened.setAudible?.(true);
  listenInput.disabled = opened.setAudible === undefined;
  startedMs = performance.now();
  chart.clear();
  live.publish(opened.stream);
  if (opened.notice !== undefined) live.announce(opened.notice);
  showRunning();
}

function stop(): void {
  generation++;
  live.stop();
  source?.stop();
  source = undefined;
  score = undefined;
  listenInput.disabled = false;
  showRunning();
}

function showRunning(): void {
  const running = source !== undefined;
  startButton.textContent = running ? 'Stop' : 'Start';
  startButton.toggleAttribute('data-running', running);
  strip.show(currentFigures());
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (source === undefined) start();
  else stop();
});

form.addEventListener('change', ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return;
  if (target.name === 'source') {
    byId('file-row').hidden = target.value !== 'file';
    stop();
  } else if (target.name === 'render') {
    live.setAttribute('render', target.value);
  } else if (target === fileInput && fileInput.files?.length) {
    start();
  } else if (target === listenInput) {
    source?.setAudible?.(listenInput.checked);
  }
});
opacityInput.addEventListener('input', () => live.setAttribute('opacity', opacityInput.value));

fullscreenButton.hidden = !document.fullscreenEnabled;
fullscreenButton.addEventListener('click', () => live.requestFullscreen());

const detailOf = <K extends keyof AvsacLiveEventMap>(event: Event): AvsacLiveEventMap[K]['detail'] =>
  (event as AvsacLiveEventMap[K]).detail;

live.addEventListener('mask', (event) => score?.add(detailOf<'mask'>(event)));
live.addEventListener('statschange', () => {
  const figures = currentFigures();
  const { masks } = figures;
  strip.show(figures);
  chart.add((performance.now() - startedMs) / 1000, masks?.frameToMaskP50Ms, masks?.frameToMaskP95Ms, masks?.rateHz);
});
live.addEventListener('error', (event) => {
  if (!detailOf<'error'>(event).fatal) return;
  source?.stop();
  source = undefined;
  showRunning();
});

const wanted = form.querySelector<HTMLInputElement>(
  `input[name=source][value="${CSS.escape(parameters.get('source') ?? 'demo')}"]`,
);
if (wanted !== null) wanted.checked = true;
byId('file-row').hidden = chosenKind() !== 'file';
showRunning();
if (parameters.has('autostart')) start();
