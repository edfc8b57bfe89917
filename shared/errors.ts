/** The one table of error codes: message, HTTP status and WebSocket close code (RFC 6455 §7.4) of each. */

export interface ErrorEntry {
  /** One sentence that names the cause and the remedy. */
  readonly message: string;
  readonly httpStatus: number;
  /** Sent when the error ends the signalling connection; absent when the session goes on. */
  readonly closeCode?: number;
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
    httpStatus: 415,
  },
  'candidate-invalid': {
    message: 'The ICE candidate cannot be parsed; send RTCIceCandidate.toJSON() unchanged.',
    httpStatus: 400,
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
  },
  'server-starting': {
    message: 'The server is not ready yet; try again in a few seconds.',
    httpStatus: 503,
    closeCode: 1013,
  },
  'server-draining': {
    message: 'The server is shutting down; connect again, it or another will answer.',
    httpStatus: 503,
    closeCode: 1012,
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
  'port-in-use': {
    message: 'The port is taken by another program; stop it or choose another with --port.',
    httpStatus: 500,
  },
  'rate-limited': {
    message: 'Too many requests from this address; wait a minute and try again.',
    httpStatus: 429,
    closeCode: 4029,
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

/** `error` itself when it is the project's, else an `internal` one with it as the cause. */
export function asAvsacError(error: unknown): AvsacError {
  if (error instanceof AvsacError) return error;
  return new AvsacError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
