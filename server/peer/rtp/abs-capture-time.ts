/** The Absolute Capture Time header extension (webrtc.org/experiments/rtp-hdrext/abs-capture-time). */
import { ntpToUnixMs } from '../../../shared/clock.ts';

export const ABS_CAPTURE_TIME_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

/**
 * @param data 8 bytes, UQ32.32 NTP time of capture; or 16 with the estimated capture clock offset, which is zero
 *   unless a mixer stands between and is ignored here.
 * @returns capture time on the sender's clock, ms since the Unix epoch; undefined when cut short.
 */
export function parseAbsCaptureTime(data: Uint8Array): number | undefined {
  if (data.length < 8) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, 8);
  return ntpToUnixMs(view.getUint32(0), view.getUint32(4));
}
