/**
 * Signalling and control messages. Signalling is JSON text over the WebSocket; control is JSON text over the
 * reliable data channel `control`. Each schema is the one source of its TypeScript type.
 */
import { type Static, Type } from 'typebox';

/** Labels of the two data channels the client opens before its offer (docs/wire.md). */
export const MASK_CHANNEL_LABEL = 'masks';
export const CONTROL_CHANNEL_LABEL = 'control';
/** A mask that is late is worthless, so it is neither ordered nor sent again. */
export const MASK_CHANNEL_OPTIONS = { ordered: false, maxRetransmits: 0 } as const;

/** Largest signalling message accepted, bytes. */
export const MAX_SIGNALLING_BYTES = 256 * 1024;
/** Longest offer, characters. */
export const MAX_OFFER_CHARACTERS = 200_000;

const strict = { additionalProperties: false } as const;

export const CandidateSchema = Type.Object({
  candidate: Type.String({ maxLength: 2048 }),
  sdpMid: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
  sdpMLineIndex: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: 255 }), Type.Null()])),
  usernameFragment: Type.Optional(Type.Union([Type.String({ maxLength: 256 }), Type.Null()])),
});
export type Candidate = Static<typeof CandidateSchema>;

/** Client to server, over the WebSocket. An offer after the first renegotiates or, with new ICE credentials, restarts ICE. */
export const ClientMessageSchema = Type.Union([
  Type.Object(
    { type: Type.Literal('offer'), sdp: Type.String({ minLength: 1, maxLength: MAX_OFFER_CHARACTERS }) },
    strict,
  ),
  Type.Object({ type: Type.Literal('candidate'), candidate: Type.Union([CandidateSchema, Type.Null()]) }, strict),
  Type.Object({ type: Type.Literal('bye') }, strict),
]);
export type ClientMessage = Static<typeof ClientMessageSchema>;

export interface ModelDescription {
  readonly name: string;
  readonly version: string;
  /** Class names in the order of the masks' class indices. */
  readonly classes: readonly string[];
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly windowLength: number;
  readonly threshold: number;
  /** ONNX Runtime's name of the execution provider in use: `cpu`, `cuda`, … */
  readonly executionProvider: string;
}

/** What the session lacks or does in place of what was asked; the session goes on. */
export const NOTICES = {
  'audio-missing': 'There is no audio track, so nothing can be heard: masks stay empty until one is added.',
  'video-missing': 'There is no video track, so there is nothing to draw on: audio is received and no masks are sent.',
  'video-codec-unsupported': 'No offered video codec can be decoded here; offer VP8 or H.264. No masks are sent.',
  'audio-codec-unsupported': 'No offered audio codec can be decoded here; offer Opus. Masks stay empty.',
  'mask-channel-missing': 'The offer opened no data channel named "masks", so masks cannot be delivered.',
  'audio-stalled': 'Audio packets have stopped arriving; masks stay empty until they resume.',
  'video-stalled': 'Video packets have stopped arriving; masks resume with the next frame.',
} as const;
export type NoticeCode = keyof typeof NOTICES;

export interface Notice {
  readonly type: 'notice';
  readonly code: NoticeCode;
  readonly message: string;
}

/** Server to client, over the WebSocket. */
export type ServerMessage =
  | {
      readonly type: 'welcome';
      readonly sessionId: string;
      readonly iceServers: readonly {
        readonly urls: string;
        readonly username?: string;
        readonly credential?: string;
      }[];
      readonly model: ModelDescription;
      readonly maskRateHz: number;
    }
  | { readonly type: 'answer'; readonly sdp: string }
  | { readonly type: 'candidate'; readonly candidate: Candidate | null }
  | Notice
  | { readonly type: 'error'; readonly code: string; readonly message: string }
  | { readonly type: 'bye'; readonly reason: string };

/** Server to client once a second over the `control` channel. Counters run from the session's start. */
export interface SessionStats {
  readonly type: 'stats';
  readonly masksSent: number;
  /** Masks a second the session aims at now, 2..30; it falls under load. */
  readonly targetMaskRateHz: number;
  /** Dropped work by reason, counted from the session's start. */
  readonly drops: Readonly<Record<string, number>>;
  /** Received video and audio, bit/s over the last second, payload of RTP. */
  readonly videoBitrate: number;
  readonly audioBitrate: number;
  readonly packetsLost: number;
  readonly nacksSent: number;
  readonly plisSent: number;
  readonly videoCodec: string | undefined;
  readonly frameWidth: number;
  readonly frameHeight: number;
  /** 50th and 95th percentile of |A/V skew| over the last 10 s, ms; undefined before the first pair. */
  readonly skewP50Ms: number | undefined;
  readonly skewP95Ms: number | undefined;
  /** How capture times are known: `sender-report`, `abs-capture-time` or `arrival`. */
  readonly clockSource: string;
  readonly executionProvider: string;
}

export type ControlMessage = SessionStats;
