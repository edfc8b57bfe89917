/** The real peer, facing libwebrtc: what a network and a browser do that a fake does not. */
import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { UdpRelay } from '../../loadtest/udp-relay.ts';
import type { Peer, PeerOptions } from '../../server/peer/peer.ts';
import { createWeriftPeer } from '../../server/peer/werift-peer.ts';
import type { Candidate } from '../../shared/signalling.ts';
import { PeerRecorder } from './peer-recorder.ts';
import { WrtcPublisher } from './wrtc-publisher.ts';

const OPTIONS: PeerOptions = {
  iceServers: [],
  portRange: undefined,
  announcedAddresses: [],
  videoBitrateBps: 1_200_000,
  videoCodecs: ['VP8', 'H264'],
};

interface Connection {
  readonly peer: Peer;
  readonly recorder: PeerRecorder;
  readonly publisher: WrtcPublisher;
}

const cleanups: (() => unknown)[] = [];

function create(options: Partial<PeerOptions> = {}): Connection {
  const recorder = new PeerRecorder();
  const peer = createWeriftPeer({ ...OPTIONS, ...options }, recorder);
  const publisher = new WrtcPublisher();
  cleanups.push(() => peer.close('the test is over'));
  cleanups.push(() => publisher.close());
  return { peer, recorder, publisher };
}

function trickle({ peer, publisher }: Connection): void {
  publisher.connection.onicecandidate = ({ candidate }) =>
    void peer.addCandidate((candidate?.toJSON() as Candidate | undefined) ?? null);
}

async function negotiate({ peer, publisher }: Connection, options: RTCOfferOptions = {}): Promise<string> {
  const { sdp } = await peer.answer(await publisher.offer(options));
  await publisher.accept(sdp);
  return sdp;
}

async function connect(options: Partial<PeerOptions> = {}): Promise<Connection> {
  const connection = create(options);
  trickle(connection);
  connection.publisher.add(['audio', 'video', 'channel']);
  await negotiate(connection);
  await connection.recorder.until(() => connection.peer.state === 'connected');
  return connection;
}

/** Waits for this many more frames. */
async function moreFrames({ recorder }: Connection, kind: 'audio' | 'video', count: number): Promise<void> {
  const { chunks } = recorder.of(kind);
  const goal = chunks.length + count;
  await recorder.until(() => chunks.length >= goal);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** RFC 6386 §9.1: 14 bits of width after the start code. */
function vp8Width(frame: Uint8Array): number {
  return (frame[6]! | (frame[7]! << 8)) & 0x3fff;
}

describe('media', () => {
  it('numbers audio frames by 20 ms and video frames by the capture clock, both in order', async () => {
    const connection = await connect();
    await moreFrames(connection, 'video', 20);
    await moreFrames(connection, 'audio', 20);
    for (const kind of ['video', 'audio'] as const) {
      const timestamps = connection.recorder.of(kind).chunks.map(({ rtpTimestamp }) => rtpTimestamp);
      const steps = timestamps.slice(1).map((timestamp, index) => (timestamp - timestamps[index]!) | 0);
      expect(Math.min(...steps)).toBeGreaterThan(0);
      if (kind === 'audio') expect(new Set(steps)).toEqual(new Set([960]));
    }
  });

  it('goes on with a track that was replaced, and a resolution that changed', async () => {
    const connection = await connect();
    await moreFrames(connection, 'video', 5);
    const { chunks } = connection.recorder.of('video');
    const sender = connection.publisher.connection.getSenders().find(({ track }) => track?.kind === 'video');
    await sender!.replaceTrack(connection.publisher.videoTrack());
    connection.publisher.width = 480;
    connection.publisher.height = 320;
    await connection.recorder.until(() => chunks.some(({ type, data }) => type === 'key' && vp8Width(data) === 480));
    await moreFrames(connection, 'video', 5);
    expect(connection.recorder.tracks).toHaveLength(2);
  });

  it('gets the key frame it asks for', async () => {
    const connection = await connect();
    await moreFrames(connection, 'video', 10);
    const { chunks, track } = connection.recorder.of('video');
    const keysBefore = chunks.filter(({ type }) => type === 'key').length;
    track.requestKeyFrame();
    await connection.recorder.until(() => chunks.filter(({ type }) => type === 'key').length > keysBefore);
    expect(track.stats().plisSent).toBeGreaterThan(0);
  });

  it('gets back what a path loses that loses a tenth', async () => {
    const connection = create();
    connection.publisher.width = 640;
    connection.publisher.height = 480;
    connection.publisher.add(['audio', 'video']);
    // Of RTP and RTCP, never of ICE or DTLS; the same draws every time (Numerical Recipes' generator).
    let draw = 1;
    const relay = new UdpRelay((datagram, from) => {
      if (from === 'server' || datagram[0]! < 128 || datagram[0]! > 191) return 0;
      draw = (Math.imul(draw, 1_664_525) + 1_013_904_223) >>> 0;
      return draw / 2 ** 32 < 0.1 ? undefined : 0;
    });
    cleanups.push(() => relay.close());
    const offer = (await connection.publisher.offer()).replace(/^a=candidate:.*\r\n/gm, '');
    const { sdp } = await connection.peer.answer(offer);
    const [, address, port] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host/m.exec(sdp)!;
    const relayPort = await relay.open(address!, Number(port));
    await connection.publisher.accept(
      sdp.replaceAll(`${address} ${port} typ host`, `${address} ${relayPort} typ host`),
    );
    await connection.recorder.until(() => connection.peer.state === 'connected');
    await moreFrames(connection, 'video', 150);
    const { track } = connection.recorder.of('video');
    const { packetsLost, packetsRecovered, nacksSent } = track.stats();
    expect(relay.lost).toBeGreaterThan(20);
    expect(nacksSent).toBeGreaterThan(0);
    expect(packetsRecovered).toBeGreaterThan(10);
    expect(packetsLost / (packetsLost + packetsRecovered)).toBeLessThan(0.1);
  });
});

describe('negotiation', () => {
  it('restarts ICE and goes on', async () => {
    const connection = await connect();
    await moreFrames(connection, 'video', 5);
    const before = /a=ice-ufrag:(\S+)/.exec(connection.publisher.connection.remoteDescription!.sdp)![1];
    const sdp = await negotiate(connection, { iceRestart: true });
    expect(/a=ice-ufrag:(\S+)/.exec(sdp)![1]).not.toBe(before);
    await connection.recorder.until(() => connection.peer.state === 'connected');
    await moreFrames(connection, 'video', 10);
    expect(connection.recorder.tracks).toHaveLength(2);
    expect(connection.recorder.of('video').ended).toBe(0);
  });

  it('restarts ICE before it had connected', async () => {
    const connection = create();
    trickle(connection);
    connection.publisher.add(['audio', 'channel']);
    await negotiate(connection);
    await negotiate(connection, { iceRestart: true });
    await connection.recorder.until(() => connection.peer.state === 'connected');
    await moreFrames(connection, 'audio', 3);
    await connection.recorder.until(() => connection.recorder.channels.length === 1);
  });

  it('adds a track in a second offer, and the channel later still', async () => {
    const connection = create();
    trickle(connection);
    connection.publisher.add(['audio']);
    await negotiate(connection);
    await connection.recorder.until(() => connection.peer.state === 'connected');
    connection.publisher.add(['video']);
    await negotiate(connection);
    await moreFrames(connection, 'video', 5);
    connection.publisher.add(['channel']);
    await negotiate(connection);
    await connection.recorder.until(() => connection.recorder.channels.length === 1);
    expect(connection.recorder.channels[0]!.open).toBe(true);
  });

  it('answers two offers that come at once one after the other', async () => {
    const { peer, publisher } = create();
    publisher.add(['audio']);
    const sdp = await publisher.offer();
    const [first, second] = await Promise.all([peer.answer(sdp), peer.answer(sdp)]);
    expect(/^o=- 1 1 /m.test(first!.sdp)).toBe(true);
    expect(/^o=- 1 2 /m.test(second!.sdp)).toBe(true);
  });

  it('turns down a renegotiation under another certificate', async () => {
    const connection = await connect();
    const other = create();
    other.publisher.add(['audio']);
    await expect(connection.peer.answer(await other.publisher.offer())).rejects.toMatchObject({ code: 'sdp-invalid' });
    await moreFrames(connection, 'audio', 3);
  });
});

describe('addresses', () => {
  it('keeps to its port range, with more peers than one at a time', async () => {
    const portRange = [46_100, 46_139] as const;
    const sdps = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { peer, publisher } = create({ portRange });
        publisher.add(['audio']);
        return (await peer.answer(await publisher.offer())).sdp;
      }),
    );
    const ports = sdps.flatMap((sdp) =>
      [...sdp.matchAll(/^a=candidate:.* (\d+) typ host/gm)].map(([, port]) => Number(port)),
    );
    expect(ports.length).toBeGreaterThanOrEqual(5);
    expect(new Set(ports).size).toBe(ports.length);
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(portRange[0]);
      expect(port).toBeLessThanOrEqual(portRange[1]);
    }
  });

  it('says so when the range is used up', async () => {
    const portRange = [46_150, 46_150] as const;
    const first = create({ portRange });
    first.publisher.add(['audio']);
    await first.peer.answer(await first.publisher.offer());
    const second = create({ portRange });
    second.publisher.add(['audio']);
    await expect(second.peer.answer(await second.publisher.offer())).rejects.toThrow(/46150-46150/);
  });

  it('announces the addresses it is told to in place of its own, and is reached there', async () => {
    const connection = create({ announcedAddresses: ['127.0.0.1'] });
    trickle(connection);
    connection.publisher.add(['audio']);
    const sdp = await negotiate(connection);
    const addresses = [...sdp.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+) /gm)].map(([, address]) => address);
    expect(addresses).toEqual(['127.0.0.1']);
    await moreFrames(connection, 'audio', 3);
  });

  it('asks the STUN server it is given, and does not wait long for one that is silent', async () => {
    const stun = createSocket('udp4');
    cleanups.push(() => stun.close());
    let answers = true;
    stun.on('message', (request, { address, port }) => {
      if (!answers) return;
      // RFC 8489 §14.2: XOR-MAPPED-ADDRESS 203.0.113.9:7777.
      const mapped = [0, 0x20, 0, 8, 0, 1, 0x1e ^ 0x21, 0x61 ^ 0x12, 203 ^ 0x21, 0 ^ 0x12, 113 ^ 0xa4, 9 ^ 0x42];
      stun.send(Uint8Array.of(1, 1, 0, mapped.length, ...request.subarray(4, 20), ...mapped), port, address);
    });
    await new Promise<void>((resolve) => stun.bind(0, '127.0.0.1', resolve));
    const iceServers = [{ urls: `stun:127.0.0.1:${stun.address().port}` }];
    const first = create({ iceServers });
    first.publisher.add(['audio']);
    const { sdp } = await first.peer.answer(await first.publisher.offer());
    expect(sdp).toMatch(/^a=candidate:\S+ 1 udp \d+ 203\.0\.113\.9 7777 typ srflx/m);
    expect(sdp).toContain('a=end-of-candidates');

    answers = false;
    const second = create({ iceServers });
    second.publisher.add(['audio']);
    const late = await second.peer.answer(await second.publisher.offer());
    expect(late.sdp).toContain('typ host');
    expect(late.sdp).not.toContain('srflx');
  });

  it('survives candidates no datagram can be sent to', async () => {
    const connection = await connect();
    for (const address of ['240.0.0.1', '255.255.255.255', '0.0.0.0', '::1', 'fe80::1']) {
      await connection.peer.addCandidate({ candidate: `candidate:1 1 udp 1 ${address} 9 typ host`, sdpMid: '0' });
    }
    await moreFrames(connection, 'video', 10);
  });
});

describe('strangers', () => {
  it('cannot end or disturb a session with forged datagrams', async () => {
    const connection = await connect();
    const [, address, port] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host/m.exec(
      connection.publisher.connection.remoteDescription!.sdp,
    )!;
    const stranger = createSocket('udp4');
    cleanups.push(() => stranger.close());
    const record = (type: number, epoch: number, ...body: number[]): Uint8Array =>
      Uint8Array.of(type, 0xfe, 0xfd, epoch >> 8, epoch & 0xff, 0, 0, 0, 0, 0, 1, 0, body.length, ...body);
    const datagrams = [
      record(21, 0, 1, 0),
      record(21, 0, 2, 40),
      Uint8Array.of(...record(22, 1, 9), ...record(21, 0, 1, 0)),
      record(22, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
      Uint8Array.of(22),
      Uint8Array.of(0x80, 0x60, ...new Uint8Array(60)),
      Uint8Array.of(0x80, 0xc8, ...new Uint8Array(60)),
      Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12)),
    ];
    for (const datagram of datagrams) {
      await new Promise((resolve) => stranger.send(datagram, Number(port), address, resolve));
    }
    await moreFrames(connection, 'video', 10);
    expect(connection.peer.state).toBe('connected');
    await connection.recorder.until(() => connection.recorder.channels.length > 0);
    expect(connection.recorder.channels[0]!.send('still here')).toBe(true);
    const received = connection.publisher.received.get('masks')!;
    await connection.publisher.untilReceived(() => received.includes('still here'));
  });
});

describe('close', () => {
  it('is for the owner: a remote that vanishes is reported as disconnected', async () => {
    const connection = await connect();
    connection.publisher.close();
    await connection.recorder.until(() => connection.peer.state !== 'connected');
    expect(['disconnected', 'closed']).toContain(connection.peer.state);
    expect(connection.recorder.of('video').ended).toBe(0);
  });

  it('leaves no handle, whether connected or in the middle of connecting', async () => {
    // Sockets and timers of Node's own: what libwebrtc has open is not among them.
    const ofPeers = (): string[] =>
      process.getActiveResourcesInfo().filter((name) => /UDP|TCP|Timeout|Immediate/.test(name));
    await expect.poll(ofPeers, { timeout: 10_000 }).toEqual([]);

    const connected = await connect();
    await moreFrames(connected, 'video', 3);
    const connecting = create();
    connecting.publisher.add(['audio', 'channel']);
    await negotiate(connecting);
    const answering = create();
    answering.publisher.add(['audio']);
    const answer = answering.peer.answer(await answering.publisher.offer());
    const refusal = expect(answer).rejects.toMatchObject({ code: 'internal' });
    await answering.peer.close('while answering');
    await refusal;

    for (const { peer, publisher } of [connected, connecting, answering]) {
      await peer.close('done');
      publisher.close();
    }
    await expect.poll(ofPeers, { timeout: 10_000 }).toEqual([]);
  });

  it('is told to the remote by DTLS, which need not wait for its consent to expire', async () => {
    const connection = await connect();
    await moreFrames(connection, 'video', 3);
    const { transport } = connection.publisher.connection.getSenders()[0]!;
    expect(transport!.state).toBe('connected');
    await connection.peer.close('the test closes it');
    // Its event does not come.
    await expect.poll(() => transport!.state, { timeout: 30_000 }).toBe('closed');
  });
});
