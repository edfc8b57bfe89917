/** Everything that can go wrong on the page's side, and what a person can do about it. One table. */
import { ERRORS } from '../shared/errors.ts';

export interface FailureEntry {
  /** What happened, one sentence. */
  readonly message: string;
  /** What to do about it, or what is being done, one sentence. */
  readonly remedy: string;
  /** The session ends; otherwise it goes on or comes back by itself. */
  readonly fatal: boolean;
}

export const FAILURES = {
  'permission-denied': {
    message: 'The browser was not allowed to use the camera or microphone.',
    remedy: 'Allow both for this site (the icon beside the address) and press Start again, or choose the demo scene.',
    fatal: true,
  },
  'device-missing': {
    message: 'No camera was found.',
    remedy: 'Connect one and press Start again, or choose the demo scene or a video file.',
    fatal: true,
  },
  'device-busy': {
    message: 'The camera or microphone cannot be opened.',
    remedy: 'Close the program that is using it and press Start again.',
    fatal: true,
  },
  'microphone-missing': {
    message: 'No microphone was found.',
    remedy: 'The camera is sent without sound, so nothing can light up; connect a microphone and start again.',
    fatal: false,
  },
  'insecure-context': {
    message: 'Browsers give camera and microphone to secure pages only, and this one came over plain HTTP.',
    remedy: 'Open it over HTTPS or as http://localhost, or choose the demo scene or a video file.',
    fatal: true,
  },
  'file-unplayable': {
    message: 'This browser cannot play the chosen file.',
    remedy: 'Choose an MP4 (H.264, AAC) or WebM file that has picture and sound.',
    fatal: true,
  },
  'file-silent': {
    message: 'The chosen file has no sound track.',
    remedy: 'Nothing can light up without sound; choose a file that has some.',
    fatal: false,
  },
  'capture-unsupported': {
    message: 'This browser cannot turn a playing file or canvas into a stream.',
    remedy: 'Use the camera, or a current Chrome, Edge or Firefox.',
    fatal: true,
  },
  'sound-waiting': {
    message: 'The browser keeps sound off until you click or press a key on this page.',
    remedy: 'Until then the scene is silent, also for the server.',
    fatal: false,
  },
  'webrtc-unsupported': {
    message: 'This browser has no WebRTC.',
    remedy: 'Use a current Chrome, Edge, Firefox or Safari, and look whether an extension or a policy blocks WebRTC.',
    fatal: true,
  },
  'frames-approximate': {
    message: 'This browser has no MediaStreamTrackProcessor; requestVideoFrameCallback is used in its place.',
    remedy: 'A mask may lie on the frame beside its own; Chrome and Edge pair exactly.',
    fatal: false,
  },
  'frames-unavailable': {
    message: 'This browser has neither MediaStreamTrackProcessor nor requestVideoFrameCallback.',
    remedy: 'Masks arrive and are reported, but cannot be drawn here; use a current Chrome, Edge, Firefox or Safari.',
    fatal: false,
  },
  'connection-lost': {
    message: 'The connection to the server was lost.',
    remedy: 'Reconnecting by itself; check the network if this lasts.',
    fatal: false,
  },
  'server-unreachable': {
    message: 'The server does not answer.',
    remedy: 'Trying again by itself; check that it runs and that this page was opened from it.',
    fatal: false,
  },
  'media-unreachable': {
    message: 'The media connection to the server could not be kept up.',
    remedy: 'Reconnecting by itself; check that UDP reaches the server.',
    fatal: false,
  },
  'negotiation-failed': {
    message: 'Browser and server could not agree on a connection.',
    remedy: 'Reload the page, so that both run the same version.',
    fatal: true,
  },
  'source-ended': {
    message: 'The source ended: the camera was unplugged, or its permission taken back.',
    remedy: 'Connect it and press Start again.',
    fatal: true,
  },
} as const satisfies Record<string, FailureEntry>;

/** Codes of the server's own table whose repetition would only fail again. */
const FATAL_SERVER_CODES: ReadonlySet<string> = new Set([
  'codec-unsupported',
  'sdp-invalid',
  'sdp-without-media',
  'message-invalid',
  'message-too-large',
  'binary-message',
]);

export type FailureCode = keyof typeof FAILURES;

/** One failure as shown and as carried by the element's `error` and `notice` events. */
export interface Failure extends FailureEntry {
  /** From {@link FAILURES}, or from the server's table (docs/wire.md). */
  readonly code: string;
  /** What exactly was wrong this time, for a log. */
  readonly detail: string | undefined;
}

export function failure(code: FailureCode, detail?: unknown): Failure {
  return { code, ...FAILURES[code], detail: detail === undefined ? undefined : detailOf(detail) };
}

/** @param message the server's sentence, which names cause and remedy. */
export function serverFailure(code: string, message: string): Failure {
  const fatal = FATAL_SERVER_CODES.has(code);
  return { code, message, remedy: fatal ? 'Stopped.' : 'Trying again by itself.', fatal, detail: undefined };
}

/** @returns what a WebSocket close code of the server's table means; undefined for any other. */
export function failureOfCloseCode(closeCode: number): Failure | undefined {
  for (const [code, entry] of Object.entries(ERRORS)) {
    if ('closeCode' in entry && entry.closeCode === closeCode) return serverFailure(code, entry.message);
  }
  return undefined;
}

/** Carries a {@link Failure} out of a source that cannot be opened. */
export class SourceError extends Error {
  readonly failure: Failure;

  constructor(code: FailureCode, cause?: unknown) {
    super(FAILURES[code].message, { cause });
    this.name = 'SourceError';
    this.failure = failure(code, cause);
  }
}

const detailOf = (detail: unknown) => (detail instanceof Error ? `${detail.name}: ${detail.message}` : String(detail));
