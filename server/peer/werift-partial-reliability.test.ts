import { afterEach, expect, it } from 'vitest';
import { Event, RTCDataChannel, RTCDataChannelParameters, type RTCDtlsTransport, RTCSctpTransport } from 'werift';
import { limitRetransmits } from './werift-partial-reliability.ts';

const PORT = 5000;
let ends: RTCSctpTransport[] = [];
afterEach(async () => {
  await Promise.all(ends.map((end) => end.stop()));
});

/** Two associations; a datagram from the first that holds one of `lost` does not arrive the first time. */
async function connect(lost: Set<string>) {
  const sent: string[] = [];
  const links = [0, 1].map(() => ({
    state: 'connected',
    onStateChange: new Event(),
    dataReceiver: undefined as ((datagram: Buffer) => void) | undefined,
  }));
  ends = links.map(() => new RTCSctpTransport(PORT, 65_536));
  for (const [i, end] of ends.entries()) {
    const sendData = async (datagram: Buffer) => {
      const text = i === 0 ? /(?:mask|control) \d+/.exec(datagram.toString('latin1'))?.[0] : undefined;
      if (text !== undefined) sent.push(text);
      if (text === undefined || !lost.delete(text))
        setImmediate(() => links[1 - i]!.dataReceiver?.(Buffer.from(datagram)));
    };
    Object.assign(links[i]!, { iceTransport: { role: i === 0 ? 'controlled' : 'controlling' }, sendData });
    end.setDtlsTransport(links[i] as unknown as RTCDtlsTransport);
  }
  const received: string[] = [];
  ends[1]!.onDataChannel.subscribe((channel) => {
    channel.onMessage.subscribe((data) => received.push(data.toString()));
  });
  limitRetransmits(ends[0]!);
  await Promise.all(ends.map((end) => end.start(PORT)));
  const open = async (label: string, options: object) => {
    const channel = new RTCDataChannel(ends[0]!, new RTCDataChannelParameters({ label, protocol: '', ...options }));
    if (channel.readyState !== 'open') await channel.stateChanged.watch((state) => state === 'open');
    return channel;
  };
  return { sent, received, open };
}

it('never sends a mask again, and a control message until it arrives', async () => {
  const { sent, received, open } = await connect(new Set(['mask 2', 'control 1']));
  const control = await open('control', { ordered: true });
  const masks = await open('masks', { ordered: false, maxRetransmits: 0 });
  masks.send(Buffer.from('mask 1'));
  control.send(Buffer.from('control 1'));
  for (let i = 2; i <= 9; i++) masks.send(Buffer.from(`mask ${i}`));
  const arrived = ['control 1', 'mask 1', ...[3, 4, 5, 6, 7, 8, 9].map((i) => `mask ${i}`)];
  await expect.poll(() => received.toSorted(), { timeout: 10_000 }).toEqual(arrived);
  expect(sent.filter((text) => text === 'mask 2')).toHaveLength(1);
  expect(sent.filter((text) => text === 'control 1').length).toBeGreaterThan(1);
});
