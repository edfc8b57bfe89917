/// <reference types="vite/client" />
/** APIs that TypeScript's DOM library does not describe. */

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

/** https://w3c.github.io/webrtc-encoded-transform/, of workers, whose library cannot be had beside the DOM's */
interface RTCTransformEvent extends Event {
  readonly transformer: {
    readonly readable: ReadableStream<RTCEncodedVideoFrame>;
    readonly writable: WritableStream<RTCEncodedVideoFrame>;
  };
}
