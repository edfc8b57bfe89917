/** Asking the sender for a key frame: Picture Loss Indication (RFC 4585 §6.3.1), limited in rate and repeated. */
import { RTCP_PAYLOAD_FEEDBACK, writeRtcpHeader } from './rtcp.ts';

const FORMAT_PLI = 1;

/** @returns the 12 bytes of one PLI. */
export function writePictureLoss(senderSsrc: number, mediaSsrc: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  writeRtcpHeader(view, RTCP_PAYLOAD_FEEDBACK, FORMAT_PLI, senderSsrc);
  view.setUint32(8, mediaSsrc);
  return new Uint8Array(view.buffer);
}

/** Shortest time between two requests, ms. A key frame costs the sender many times a delta frame. */
export const PLI_MIN_INTERVAL_MS = 500;

/** Says when to send a PLI: at once, but never twice within the interval, and again until a key frame comes. */
export class KeyFrameRequester {
  #wanted = false;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #graceEndsMs = Number.NEGATIVE_INFINITY;

  /** A key frame is needed: for a decoder, or to go on after a loss. */
  request(): void {
    this.#wanted = true;
    this.#graceEndsMs = Number.NEGATIVE_INFINITY;
  }

  /** A stream begins, and so will its first key frame without asking: only its absence is asked about. */
  expect(nowMs: number): void {
    this.#wanted = true;
    this.#graceEndsMs = nowMs + PLI_MIN_INTERVAL_MS;
  }

  /** A key frame arrived. */
  fulfil(): void {
    this.#wanted = false;
  }

  /**
   * @param roundTripMs a repeat waits this long on top, for the answer to the last one may be on its way.
   * @returns true when a PLI is due; counts as sent then.
   */
  isDue(nowMs: number, roundTripMs: number): boolean {
    if (!this.#wanted || nowMs < this.#graceEndsMs) return false;
    if (nowMs - this.#lastSentMs < PLI_MIN_INTERVAL_MS + roundTripMs) return false;
    this.#lastSentMs = nowMs;
    return true;
  }
}
