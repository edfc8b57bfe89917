/** The one table of error codes: message, HTTP status and WebSocket close code (RFC 6455 §7.4) of each. */

export interface ErrorEntry {
  /** One sentence that names the cause and the remedy. */
  readonly message: string;
  readonly httpStatus: number;
  /** Sent when the error ends the signalling connection; absent when the session goes on. */
  readonly closeCode?: number;
  /** Seconds to wait before another try, told over HTTP as `Retry-After` (RFC 9110 §10.2.3). */
  readonly retryAfterS?: number;
}

export const ERRORS = {
  'message-invalid': {
    message: 'The signalling message is not valid JSON of a known type; see docs/wire.md for the messages.',
    httpStatus: 400,
  },
  'message-too-large': {
    message: 'The signalling message is larger than 256 KiB; send one message for each step.',
    httpStatus: 413,
    closeCode: 1009,
  },
  'binary-message': {
    message: 'Signalling messages are JSON text; this one was binary.',
    httpStatus: 400,
  },
  'sdp-invalid': {
    message: 'The offer is not valid SDP; send the sdp of RTCPeerConnection.createOffer() unchanged.',
    httpStatus: 400,
  },
  'sdp-without-media': {
    message: 'The offer has neither an audio nor a video track; add tracks before createOffer().',
    httpStatus: 400,
  },
  'codec-unsupported': {
    message: 'The offer has no codec this server decodes; offer VP8 or H.264 video and Opus audio.',
    httpStatus: 422,
  },
  'media-refused': {
    message: 'A media section of the offer cannot be received here; offer VP8 or H.264 and Opus in one bundle.',
    httpStatus: 422,
  },
  'ingest-unsupported': {
    message: 'WHIP takes what is sent, at most one audio and one video section; offer those as sendonly.',
    httpStatus: 422,
  },
  'candidate-invalid': {
    message: 'The ICE candidate cannot be parsed; send RTCIceCandidate.toJSON() unchanged.',
    httpStatus: 400,
  },
  'sdp-fragment-invalid': {
    message: 'The body is not an SDP fragment of RFC 8840; send the ICE credentials and candidates of one section.',
    httpStatus: 400,
  },
  'ice-session-unnamed': {
    message: 'The request must name its ICE session; send If-Match with the last ETag, or with * to restart ICE.',
    httpStatus: 428,
  },
  'ice-session-outdated': {
    message: 'ICE has been restarted since the ETag in If-Match; use that of the last answer, or restart with *.',
    httpStatus: 412,
  },
  'ice-restart-conflict': {
    message: 'ICE restarts come faster than they are answered; wait for the answer to the last.',
    httpStatus: 409,
    retryAfterS: 1,
  },
  'offer-missing': {
    message: 'No offer arrived on this connection within the time allowed; send an offer after the welcome.',
    httpStatus: 408,
    closeCode: 4008,
  },
  'server-full': {
    message: 'The server carries as many sessions as it is allowed to; try again when one has ended.',
    httpStatus: 503,
    closeCode: 4013,
    retryAfterS: 10,
  },
  'server-starting': {
    message: 'The server is not ready yet; try again in a few seconds.',
    httpStatus: 503,
    closeCode: 1013,
    retryAfterS: 5,
  },
  'server-draining': {
    message: 'The server is shutting down; connect again, it or another will answer.',
    httpStatus: 503,
    closeCode: 1012,
    retryAfterS: 5,
  },
  'peer-failed': {
    message: 'The media connection failed and did not recover; check that UDP reaches the server and reconnect.',
    httpStatus: 500,
    closeCode: 4014,
  },
  'peer-timeout': {
    message: 'The media connection was not established in time; check that UDP reaches the server and reconnect.',
    httpStatus: 504,
    closeCode: 4015,
  },
  'mask-message-invalid': {
    message: 'The mask message cannot be decoded; sender and receiver must run the same wire version.',
    httpStatus: 400,
  },
  'configuration-invalid': {
    message: 'The configuration has bad values; each is listed with its allowed range.',
    httpStatus: 500,
  },
  'model-missing': {
    message: 'The model file or its manifest cannot be read; check AVSAC_MODEL or export the model again.',
    httpStatus: 500,
  },
  'model-manifest-invalid': {
    message: 'The model manifest is not one this server understands; export the model again with this version.',
    httpStatus: 500,
  },
  'model-checksum': {
    message: 'The model file does not match the checksum of its manifest; copy or export the model again.',
    httpStatus: 500,
  },
  'provider-unavailable': {
    message: 'None of the configured execution providers can run the model on this machine.',
    httpStatus: 500,
  },
  'inference-failed': {
    message: 'The model failed on an input; the server log has the cause.',
    httpStatus: 500,
    closeCode: 1011,
  },
  'decoder-unavailable': {
    message: 'The media decoder cannot be loaded on this machine; run avsac-live doctor.',
    httpStatus: 500,
  },
  'file-unreadable': {
    message: 'The file cannot be read as video; give one that FFmpeg plays.',
    httpStatus: 500,
  },
  'file-without-video': {
    message: 'The file has no video, and a mask needs a picture; give one that has.',
    httpStatus: 500,
  },
  'file-unwritable': {
    message: 'The result cannot be written; check the folder, the space on it and the ending of the name.',
    httpStatus: 500,
  },
  'server-unreachable': {
    message: 'The server cannot be reached or is none of this project; check --url and that it runs.',
    httpStatus: 500,
  },
  'port-in-use': {
    message: 'The port is taken by another program; stop it or choose another with --port.',
    httpStatus: 500,
  },
  'rate-limited': {
    message: 'Too many requests from this address; wait a minute and try again.',
    httpStatus: 429,
    closeCode: 4029,
  },
  'session-unknown': {
    message: 'There is no such session; it has ended or never was.',
    httpStatus: 404,
    closeCode: 4004,
  },
  'feed-full': {
    message: 'The session has as many listeners as it is allowed; try again when one has left.',
    httpStatus: 503,
    closeCode: 4013,
    retryAfterS: 10,
  },
  'request-invalid': {
    message: 'The request is not valid; /openapi.json says what this address takes.',
    httpStatus: 400,
  },
  'route-unknown': {
    message: 'There is nothing at this address; /openapi.json lists what there is.',
    httpStatus: 404,
  },
  'method-not-allowed': {
    message: 'This address does not know the method; the Allow header lists those it knows.',
    httpStatus: 405,
  },
  'not-acceptable': {
    message: 'The Accept header rules out every media type this address answers with.',
    httpStatus: 406,
  },
  'media-type-unsupported': {
    message: 'The body is of a media type this address does not take; see Accept-Post and Accept-Patch.',
    httpStatus: 415,
  },
  'token-missing': {
    message: 'This needs a token; send the header "Authorization: Bearer TOKEN" with one of AVSAC_TOKENS.',
    httpStatus: 401,
  },
  'token-invalid': {
    message: 'The token is none of AVSAC_TOKENS; ask the operator of the server for one.',
    httpStatus: 401,
  },
  'local-only': {
    message: 'Without AVSAC_TOKENS this answers only programs and pages of its own machine; set tokens, and send one.',
    httpStatus: 403,
  },
  internal: {
    message: 'The server made an error; its log has the cause.',
    httpStatus: 500,
    closeCode: 1011,
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The project's only error class. `detail` says what exactly was wrong with this input. */
export class AvsacError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? ERRORS[code].message : `${ERRORS[code].message} (${detail})`, options);
    this.name = 'AvsacError';
    this.code = code;
    this.detail = detail;
  }

  /** The error's row of {@link ERRORS}. */
  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }

  /** What a client may read: what exactly went wrong inside is for the log. */
  get publicMessage(): string {
    return this.code === 'internal' ? this.entry.message : this.message;
  }
}

/** What an unknown error says of itself. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `error` itself when it is the project's, else an `internal` one with it as the cause. */
export function asAvsacError(error: unknown): AvsacError {
  if (error instanceof AvsacError) return error;
  return new AvsacError('internal', reasonOf(error), { cause: error });
}

/** The error that was told by its `code` and its `publicMessage`. */
export function readError({ code, message }: { readonly code: string; readonly message: string }): AvsacError {
  if (!Object.hasOwn(ERRORS, code)) return new AvsacError('internal', message);
  const known = code as ErrorCode;
  const beginning = `${ERRORS[known].message} (`;
  return new AvsacError(known, message.startsWith(beginning) ? message.slice(beginning.length, -1) : undefined);
}
