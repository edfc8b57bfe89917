/** The custom element `<avsac-live>`: publishes a stream and shows, on its own picture, what sounds. See docs/client.md. */
import type { ModelDescription, SessionStats } from '../shared/signalling.ts';
import css from './avsac-live.css?inline';
import { type Failure, failure } from './failure.ts';
import { FrameRing } from './frame-ring.ts';
import { type FrameTap, type FrameTapKind, tapFrames } from './frame-tap.ts';
import { Legend } from './legend.ts';
import { type MaskFigures, MaskReceiver, type PairedMask } from './mask-receiver.ts';
import { type MaskRendering, Overlay, type OverlayStyle } from './overlay.ts';
import type { SendStats } from './peer-session.ts';
import { Playout } from './playout.ts';
import { Publisher, type PublisherState } from './publisher.ts';

export type AvsacLiveState = 'idle' | PublisherState;

/** What the element knows of itself, its connection and the server, once a second. */
export interface AvsacLiveStats {
  readonly state: AvsacLiveState;
  /** The server's model; undefined before the first connection. */
  readonly model: ModelDescription | undefined;
  readonly masks: MaskFigures | undefined;
  readonly send: SendStats | undefined;
  readonly server: SessionStats | undefined;
  /** The API that tells local frames apart; undefined while idle or where there is none. */
  readonly frameTap: FrameTapKind | undefined;
  readonly frameTapDrops: number;
  /** How far the picture runs behind capture so that masks meet their frames, ms. */
  readonly displayDelayMs: number;
  /** Masks drawn, each first on the frame it was computed from. */
  readonly masksShown: number;
  /** Connections that followed the first. */
  readonly reconnects: number;
}

export interface AvsacLiveEventMap {
  /** A mask has been paired with its frame. */
  mask: CustomEvent<PairedMask>;
  /** It has been drawn, for the first time and on that frame. */
  maskshown: CustomEvent<PairedMask>;
  statschange: CustomEvent<AvsacLiveStats>;
  statechange: CustomEvent<AvsacLiveState>;
  /** Something is missing or replaced; the session goes on. */
  notice: CustomEvent<{ readonly code: string; readonly message: string }>;
  /** The connection or its source failed. `retryInMs` is undefined when nothing more is tried. */
  error: CustomEvent<Failure & { readonly retryInMs: number | undefined }>;
}

const STATS_INTERVAL_MS = 1000;
/** How long a notice stays on the picture, ms. */
const NOTICE_MS = 9000;
const DEFAULT_STYLE = { rendering: 'fill', opacity: 0.55, colour: '#ffc83d' } as const satisfies OverlayStyle;

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

export class AvsacLive extends HTMLElement {
  static readonly observedAttributes = ['opacity', 'render', 'colour'];

  readonly #overlay: Overlay;
  readonly #legend = new Legend();
  readonly #message: HTMLOutputElement;
  #style: OverlayStyle = DEFAULT_STYLE;
  #playout = new Playout<PairedMask>();
  #shownMask: PairedMask | undefined;
  #receiver: MaskReceiver | undefined;
  #publisher: Publisher | undefined;
  #tap: FrameTap | undefined;
  #abort = new AbortController();
  #animation = 0;
  #statsTimer: ReturnType<typeof setInterval> | undefined;
  #messageTimer: ReturnType<typeof setTimeout> | undefined;
  #state: AvsacLiveState = 'idle';
  #model: ModelDescription | undefined;
  #server: SessionStats | undefined;
  #send: SendStats | undefined;
  #masksShown = 0;
  #sessions = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    const frameCanvas = canvasPart('frame');
    const maskCanvas = canvasPart('mask');
    maskCanvas.setAttribute('aria-hidden', 'true');
    this.#message = document.createElement('output');
    this.#message.setAttribute('part', 'message');
    root.append(document.createElement('slot'), frameCanvas, maskCanvas, this.#legend.element, this.#message);
    this.#overlay = new Overlay(frameCanvas, maskCanvas);
    this.#legend.setColour(DEFAULT_STYLE.colour);
  }

  connectedCallback(): void {
    if (!this.hasAttribute('role')) this.setAttribute('role', 'figure');
    if (!this.hasAttribute('aria-label')) this.setAttribute('aria-label', 'Live video in which what sounds is lit');
  }

  disconnectedCallback(): void {
    this.stop();
  }

  attributeChangedCallback(): void {
    const opacity = Number.parseFloat(this.getAttribute('opacity') ?? '');
    const rendering: MaskRendering = this.getAttribute('render') === 'outline' ? 'outline' : 'fill';
    this.#style = {
      rendering,
      opacity: opacity >= 0 && opacity <= 1 ? opacity : DEFAULT_STYLE.opacity,
      colour: this.getAttribute('colour') ?? DEFAULT_STYLE.colour,
    };
    this.#overlay.drawMask(this.#shownMask?.message, this.#style);
    this.#legend.setColour(this.#style.colour);
  }

  get state(): AvsacLiveState {
    return this.#state;
  }

  get stats(): AvsacLiveStats {
    return {
      state: this.#state,
      model: this.#model,
      masks: this.#receiver?.figures(performance.now()),
      send: this.#send,
      server: this.#server,
      frameTap: this.#tap?.kind,
      frameTapDrops: this.#tap?.droppedFrames ?? 0,
      displayDelayMs: this.#playout.delayMs,
      masksShown: this.#masksShown,
      reconnects: Math.max(0, this.#sessions - 1),
    };
  }

  /**
   * Publishes `stream` to the server at `src` and shows it; whatever was published before is stopped.
   * The stream's tracks stay the caller's: {@link stop} does not end them.
   */
  publish(stream: MediaStream): void {
    this.stop();
    if (typeof RTCPeerConnection !== 'function') {
      this.#fail(failure('webrtc-unsupported'), undefined);
      return;
    }
    this.#abort = new AbortController();
    this.#masksShown = 0;
    this.#sessions = 0;
    for (const track of stream.getTracks()) {
      track.addEventListener('ended', () => this.#sourceEnded(), { signal: this.#abort.signal });
    }
    const [video] = stream.getVideoTracks();
    this.#setState('connecting');
    // After the state, whose own words would take the place of a notice.
    if (video !== undefined) this.#tapFrames(video);
    this.#publisher = new Publisher(this.#url(), stream, {
      state: (state) => this.#setState(state),
      welcome: (model) => this.#welcome(model),
      notice: (code, message) => this.announce({ code, message }),
      failure: (cause, retryInMs) => this.#fail(cause, retryInMs),
      frameEncoded: (rtpTimestamp, encodingMs) => this.#receiver?.frameEncoded(rtpTimestamp, encodingMs),
      mask: (bytes, arrivalMs) => this.#receiver?.receive(bytes, arrivalMs),
      control: (message) => {
        this.#server = message;
      },
    });
    this.#statsTimer = setInterval(() => this.#pollStats(), STATS_INTERVAL_MS);
    const render = () => {
      this.#render(performance.now());
      this.#animation = requestAnimationFrame(render);
    };
    this.#animation = requestAnimationFrame(render);
  }

  /** Ends the session and clears the picture. Idempotent. */
  stop(): void {
    this.#end();
    this.#say('');
    this.#setState('idle');
  }

  /** Shows a notice on the picture and dispatches it as `notice`. For sources that have something to say. */
  announce(notice: { readonly code: string; readonly message: string; readonly remedy?: string }): void {
    this.#say(notice.message, notice.remedy, 'notice');
    this.#messageTimer = setTimeout(() => this.#say(''), NOTICE_MS);
    this.dispatchEvent(new CustomEvent('notice', { detail: { code: notice.code, message: notice.message } }));
  }

  /** Shows a failure that happened before there was a stream to publish, and dispatches it as `error`. */
  fail(cause: Failure): void {
    this.stop();
    this.#fail(cause, undefined);
  }

  #url(): string {
    const url = new URL(this.getAttribute('src') ?? '/ws', document.baseURI);
    // http and https name the same server's WebSocket, as WebSocket's own constructor has it.
    url.protocol = url.protocol.replace(/^http/, 'ws');
    return url.href;
  }

  #tapFrames(track: MediaStreamTrack): void {
    this.#tap = tapFrames(track, (frame) => {
      this.#playout.ring.add(frame);
      this.#receiver?.frameAdded();
    });
    if (this.#tap === undefined) this.announce(failure('frames-unavailable'));
    else if (this.#tap.kind === 'requestVideoFrameCallback') this.announce(failure('frames-approximate'));
  }

  #welcome(model: ModelDescription): void {
    this.#sessions++;
    this.#model = model;
    this.#legend.setClasses(model.classes);
    this.#server = undefined;
    // Masks of a new session count from another RTP time; the frames held stay good.
    this.#receiver = new MaskReceiver(this.#playout, performance.timeOrigin, (mask) =>
      this.dispatchEvent(new CustomEvent('mask', { detail: mask })),
    );
  }

  #render(nowMs: number): void {
    const view = this.#playout.select(nowMs);
    if (view === undefined) return;
    this.#overlay.drawFrame(view.frame);
    this.toggleAttribute('data-showing', true);
    this.#legend.show(nowMs);
    if (view.mask === this.#shownMask) return;
    this.#shownMask = view.mask;
    if (view.mask !== undefined) this.#legend.add(view.mask.message, nowMs);
    this.#overlay.drawMask(view.mask?.message, this.#style);
    if (view.maskIsNew && view.mask !== undefined) {
      this.#masksShown++;
      this.dispatchEvent(new CustomEvent('maskshown', { detail: view.mask }));
    }
  }

  async #pollStats(): Promise<void> {
    this.#send = await this.#publisher?.stats();
    this.dispatchEvent(new CustomEvent('statschange', { detail: this.stats }));
  }

  #sourceEnded(): void {
    this.#end();
    this.#fail(failure('source-ended'), undefined);
    this.#setState('idle');
  }

  #fail(cause: Failure, retryInMs: number | undefined): void {
    if (cause.fatal) this.#end();
    this.#say(cause.message, cause.remedy, 'error');
    if (cause.detail !== undefined) console.warn(`avsac-live: ${cause.code}: ${cause.detail}`);
    this.dispatchEvent(new CustomEvent('error', { detail: { ...cause, retryInMs } }));
  }

  #end(): void {
    this.#abort.abort();
    this.#publisher?.close();
    this.#publisher = undefined;
    this.#tap?.close();
    this.#tap = undefined;
    this.#receiver = undefined;
    this.#send = undefined;
    this.#server = undefined;
    this.#shownMask = undefined;
    clearInterval(this.#statsTimer);
    cancelAnimationFrame(this.#animation);
    this.#playout.clear();
    this.#playout = new Playout(new FrameRing());
    this.#overlay.clear();
    this.#legend.clear();
    this.toggleAttribute('data-showing', false);
  }

  #setState(state: AvsacLiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dataset.state = state;
    // A notice is worth reading to its end; what was said of the connection is over once it stands.
    if (state === 'live' && this.#message.dataset.tone !== 'notice') this.#say('');
    if (state === 'connecting') this.#say('Connecting…', '', 'progress');
    this.dispatchEvent(new CustomEvent('statechange', { detail: state }));
  }

  #say(message: string, remedy = '', tone: 'progress' | 'notice' | 'error' = 'progress'): void {
    clearTimeout(this.#messageTimer);
    this.#message.dataset.tone = tone;
    const second = document.createElement('small');
    second.textContent = remedy;
    if (message === '') this.#message.replaceChildren();
    else this.#message.replaceChildren(message, ...(remedy === '' ? [] : [second]));
  }
}

/** Registers the element; calling it twice does no harm. */
export function defineAvsacLive(): void {
  if (customElements.get('avsac-live') === undefined) customElements.define('avsac-live', AvsacLive);
}

declare global {
  interface HTMLElementTagNameMap {
    'avsac-live': AvsacLive;
  }
}

function canvasPart(name: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.setAttribute('part', name);
  return canvas;
}
