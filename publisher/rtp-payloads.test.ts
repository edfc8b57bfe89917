import { describe, expect, it } from 'vitest';
import { H264Depacketizer } from '../server/peer/rtp/h264-depacketizer.ts';
import type { RtpPacket } from '../server/peer/rtp/rtp-packet.ts';
import { Vp8Depacketizer } from '../server/peer/rtp/vp8-depacketizer.ts';
import { encodeVideo } from '../test/fixtures/encode-media.ts';
import { payloadsOf } from './rtp-payloads.ts';

const packetOf = (data: Uint8Array, kind: 'video' | 'audio' = 'video') => ({
  kind,
  data,
  isKey: true,
  timestamp: 0,
  dueMs: 0,
});

describe('payloadsOf', () => {
  it.each([
    ['VP8', () => new Vp8Depacketizer()],
    ['H264', () => new H264Depacketizer()],
  ] as const)('cuts %s so that the receiver has every frame again, to the byte', (codec, create) => {
    const chunks = encodeVideo({ codec, width: 320, height: 240, frames: 6, keyInterval: 3 });
    const depacketizer = create();
    let most = 0;
    for (const { type, data, rtpTimestamp } of chunks) {
      const payloads = payloadsOf(packetOf(data), codec);
      most = Math.max(most, payloads.length);
      for (const payload of payloads) expect(payload.length).toBeLessThanOrEqual(1100);
      const frames = payloads.flatMap((payload, i) => {
        const frame = depacketizer.push(rtpPacket(payload, i === payloads.length - 1, rtpTimestamp));
        return frame ? [frame] : [];
      });
      expect(frames.map((frame) => frame.type)).toEqual([type]);
      expect(withoutStartCodes(frames[0]!.data)).toEqual(withoutStartCodes(data));
    }
    expect(most).toBeGreaterThan(2);
  });

  it('sends a packet of Opus whole', () => {
    const data = Uint8Array.of(1, 2, 3);
    expect(payloadsOf(packetOf(data, 'audio'), 'VP8')).toEqual([data]);
  });
});

/** They may be of three or four bytes. */
const withoutStartCodes = (data: Uint8Array) =>
  Buffer.from(data).toString('latin1').replaceAll('\0\0\0\x01', '|').replaceAll('\0\0\x01', '|');

function rtpPacket(payload: Uint8Array, marker: boolean, timestamp: number): RtpPacket {
  return { marker, timestamp, payload } as RtpPacket;
}
