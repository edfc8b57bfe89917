import { expect, it } from 'vitest';
import type { RTCRtpSender, RtpPacket } from 'werift';
import { SentTrack } from './sent-track.ts';

function senderOf(sent: RtpPacket[]) {
  const event = { subscribe: () => {} };
  return {
    onGenericNack: event,
    onPictureLossIndication: event,
    onRtcp: event,
    sendRtp: async (packet: RtpPacket) => void sent.push(packet),
    ntpTimestamp: 0n,
  };
}

/** Whole seconds of the NTP era at the Unix epoch. */
const EPOCH = 2_208_988_800n;

it('marks the last packet of a frame, counts on, and says in packets and reports when the frame was captured', async () => {
  const sent: RtpPacket[] = [];
  const sender = senderOf(sent);
  const track = new SentTrack(sender as unknown as RTCRtpSender, (timestamp) => 1_000_000 + timestamp / 90, 5);
  await track.send([Uint8Array.of(1, 2), Uint8Array.of(3)], 45_000);
  await track.send([Uint8Array.of(4)], 2 ** 32 + 90);
  expect(sent.map(({ header }) => header.marker)).toEqual([false, true, true]);
  expect(sent.map(({ header }) => header.timestamp)).toEqual([45_000, 45_000, 90]);
  const [first, ...others] = sent.map(({ header }) => header.sequenceNumber);
  expect(others.map((number) => (number - first! + 2 ** 16) % 2 ** 16)).toEqual([1, 2]);
  expect(sent.map(({ payload }) => [...payload])).toEqual([[1, 2], [3], [4]]);
  const captured = sent[0]!.header.extensions.find(({ id }) => id === 5)!.payload.readBigUInt64BE();
  expect(captured).toBe(((EPOCH + 1000n) << 32n) | (1n << 31n));
  expect(sender.ntpTimestamp >> 32n).toBe(EPOCH + 1000n + BigInt(Math.floor((2 ** 32 + 90) / 90_000)));
  expect(track).toMatchObject({ packetsSent: 3, bytesSent: 4 });
});
