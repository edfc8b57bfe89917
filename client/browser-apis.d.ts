/// <reference types="vite/client" />
/** APIs of Chromium that TypeScript's DOM library does not describe yet. */

/** https://w3c.github.io/mediacapture-transform/ */
interface MediaStreamTrackProcessorInit {
  track: MediaStreamTrack;
  maxBufferSize?: number;
}

declare class MediaStreamTrackProcessor {
  constructor(init: MediaStreamTrackProcessorInit);
  readonly readable: ReadableStream<VideoFrame>;
}

/** https://w3c.github.io/webrtc-extensions/#rtp-header-extension-control */
interface RTCRtpTransceiver {
  getHeaderExtensionsToNegotiate?(): { uri: string; direction: RTCRtpTransceiverDirection }[];
  setHeaderExtensionsToNegotiate?(extensions: { uri: string; direction: RTCRtpTransceiverDirection }[]): void;
}

/** https://w3c.github.io/mediacapture-fromelement/ */
interface HTMLVideoElement {
  captureStream?(): MediaStream;
}
