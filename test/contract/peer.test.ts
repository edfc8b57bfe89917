/** What every Peer does, real or fake. */
import { afterEach, describe, expect, it } from 'vitest';
import { FakePeer } from '../../server/peer/fake-peer.ts';
import type { AnswerResult, Peer, PeerOptions } from '../../server/peer/peer.ts';
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

type Kind = 'audio' | 'video' | 'channel';

/** The far end of one peer. */
interface Remote {
  readonly recorder: PeerRecorder;
  readonly peer: Peer;
  offer(kinds: readonly Kind[]): Promise<string>;
  /** Takes the answer; the connection comes up and media flows. */
  accept(answer: AnswerResult): Promise<void>;
  /** Offers again, without the video. */
  offerWithoutVideo(): Promise<string>;
  /** Messages the peer sent over its channel, once there are `count`. */
  messages(count: number): Promise<readonly (string | Uint8Array)[]>;
  close(): void;
}

function wrtcRemote(): Remote {
  const recorder = new PeerRecorder();
  const peer = createWeriftPeer(OPTIONS, recorder);
  const publisher = new WrtcPublisher();
  publisher.connection.onicecandidate = ({ candidate }) =>
    void peer.addCandidate((candidate?.toJSON() as Candidate | undefined) ?? null);
  return {
    recorder,
    peer,
    offer: async (kinds) => {
      publisher.add(kinds);
      return publisher.offer();
    },
    accept: ({ sdp }) => publisher.accept(sdp),
    offerWithoutVideo: () => {
      const sender = publisher.connection.getSenders().find(({ track }) => track?.kind === 'video');
      publisher.connection.removeTrack(sender!);
      return publisher.offer();
    },
    messages: async (count) => {
      const received = publisher.received.get('masks')!;
      await publisher.untilReceived(() => received.length >= count);
      return received;
    },
    close: () => publisher.close(),
  };
}

function fakeRemote(): Remote {
  const recorder = new PeerRecorder();
  const peer = new FakePeer(OPTIONS, recorder);
  const section = (kind: string, index: number, direction: string): string =>
    [
      kind === 'channel' ? 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel' : `m=${kind} 9 UDP/TLS/RTP/SAVPF 96`,
      `a=mid:${index}`,
      `a=${direction}`,
      'a=rtcp-mux',
      'a=ice-ufrag:abcd',
      'a=ice-pwd:abcdabcdabcdabcdabcdabcd',
      'a=fingerprint:sha-256 00:11',
      'a=setup:actpass',
      ...(kind === 'channel'
        ? ['a=sctp-port:5000']
        : [`a=rtpmap:96 ${kind === 'video' ? 'VP8/90000' : 'opus/48000/2'}`]),
    ].join('\r\n');
  const offer = (kinds: readonly Kind[], videoDirection = 'sendonly'): string =>
    [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      `a=group:BUNDLE ${kinds.map((_, index) => index).join(' ')}`,
      ...kinds.map((kind, index) => section(kind, index, kind === 'video' ? videoDirection : 'sendonly')),
      '',
    ].join('\r\n');
  let offered: readonly Kind[] = [];
  const flow = (): void => {
    const type = 'key' as const;
    for (const track of peer.tracks) {
      track.deliver({ type, rtpTimestamp: 1, data: Uint8Array.of(1), arrivalMs: performance.now() });
      track.deliver({ type: 'delta', rtpTimestamp: 2, data: Uint8Array.of(1), arrivalMs: performance.now() });
      track.deliver({ type, rtpTimestamp: 3, data: Uint8Array.of(1), arrivalMs: performance.now() });
      track.report({ ntpMs: Date.now(), rtpTimestamp: 1, arrivalMs: performance.now() });
    }
  };
  return {
    recorder,
    peer,
    offer: async (kinds) => {
      offered = kinds;
      return offer(kinds);
    },
    accept: async () => {
      peer.roundTripMs = 1;
      peer.setState('connected');
      if (offered.includes('channel') && peer.channels.length === 0) peer.openChannel('masks');
      flow();
    },
    offerWithoutVideo: async () => offer(offered, 'inactive'),
    messages: async () => peer.channels[0]!.sent,
    close: () => {},
  };
}

describe.each([
  ['werift, facing libwebrtc', wrtcRemote],
  ['fake', fakeRemote],
])('%s', (_name, createRemote) => {
  const open: Remote[] = [];

  function create(): Remote {
    const remote = createRemote();
    open.push(remote);
    return remote;
  }

  async function connect(kinds: readonly Kind[]): Promise<Remote> {
    const remote = create();
    await remote.accept(await remote.peer.answer(await remote.offer(kinds)));
    await remote.recorder.until(() => remote.peer.state === 'connected');
    return remote;
  }

  afterEach(async () => {
    for (const remote of open.splice(0)) {
      await remote.peer.close('the test is over');
      remote.close();
    }
  });

  it('turns down what is not an offer, and is none the worse for it', async () => {
    const { peer, offer } = create();
    for (const sdp of ['', 'garbage', 'v=0\r\nm=nonsense\r\n', `v=0\r\n${'a=x\r\n'.repeat(9)}rubbish`]) {
      await expect(peer.answer(sdp)).rejects.toMatchObject({ code: expect.stringMatching(/^sdp-/) });
    }
    expect(peer.state).toBe('new');
    await expect(peer.answer(await offer(['audio']))).resolves.toMatchObject({ accepted: ['audio'] });
  });

  it('turns down an offer without audio and video', async () => {
    const { peer, offer } = create();
    await expect(peer.answer(await offer(['channel']))).rejects.toMatchObject({ code: 'sdp-without-media' });
  });

  it('turns down an offer of unknown codecs only', async () => {
    const { peer, offer } = create();
    const unknown = (await offer(['audio', 'video'])).replace(/^a=rtpmap:(\d+) [^/]+/gm, 'a=rtpmap:$1 unheard-of');
    await expect(peer.answer(unknown)).rejects.toMatchObject({ code: 'codec-unsupported' });
  });

  it('says what it refused of an offer it accepts', async () => {
    const { peer, offer, recorder } = create();
    const sdp = (await offer(['audio', 'video'])).replace(
      /^a=rtpmap:(\d+) [^/]+\/90000/gm,
      'a=rtpmap:$1 unheard-of/90000',
    );
    const answer = await peer.answer(sdp);
    expect(answer).toMatchObject({
      accepted: ['audio'],
      refused: [{ kind: 'video', offeredCodecs: ['unheard-of'] }],
    });
    expect(answer.sdp).toMatch(/^m=video 0 /m);
    expect(recorder.tracks.map(({ track }) => track.kind)).toEqual(['audio']);
  });

  it('takes candidates before and after the offer, and turns down what is none', async () => {
    const { peer, offer } = create();
    const candidate = 'candidate:1 1 udp 2130706431 a-b-c.local 50000 typ host';
    await peer.addCandidate({ candidate, sdpMid: '0' });
    await expect(peer.addCandidate({ candidate: 'candidate:nonsense' })).rejects.toMatchObject({
      code: 'candidate-invalid',
    });
    await peer.answer(await offer(['audio']));
    await peer.addCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
    await peer.addCandidate({ candidate: '' });
    await peer.addCandidate(null);
    await expect(peer.addCandidate({ candidate: 'nonsense' })).rejects.toMatchObject({ code: 'candidate-invalid' });
  });

  it('announces the tracks with the answer', async () => {
    const { peer, offer, recorder } = create();
    const sdp = await offer(['video', 'audio']);
    const answer = await peer.answer(sdp);
    expect(answer).toMatchObject({ accepted: ['video', 'audio'], refused: [] });
    expect(recorder.of('video').track).toMatchObject({ kind: 'video', codec: 'VP8', clockRate: 90_000, mid: '0' });
    expect(recorder.of('audio').track).toMatchObject({
      kind: 'audio',
      codec: 'opus',
      clockRate: 48_000,
      channels: 2,
      mid: '1',
    });
  });

  it('connects and delivers frames, a key frame first, with sender reports', async () => {
    const { recorder, peer } = await connect(['audio', 'video', 'channel']);
    expect(recorder.states).toEqual(['connecting', 'connected']);
    const video = recorder.of('video');
    const audio = recorder.of('audio');
    await recorder.until(() => video.chunks.length >= 3 && audio.chunks.length >= 3 && video.reports.length >= 1);
    expect(video.chunks[0]!.type).toBe('key');
    for (const { data, arrivalMs, rtpTimestamp } of [...video.chunks, ...audio.chunks]) {
      expect(data.length).toBeGreaterThan(0);
      expect(arrivalMs).toBeLessThanOrEqual(performance.now());
      expect(rtpTimestamp).toBe(rtpTimestamp >>> 0);
    }
    expect(Math.abs(video.reports[0]!.ntpMs - Date.now())).toBeLessThan(60_000);
    expect(peer.roundTripMs).toBeGreaterThan(0);
    const { packetsReceived, payloadBytes } = video.track.stats();
    expect(packetsReceived).toBeGreaterThanOrEqual(video.chunks.length);
    expect(payloadBytes).toBeGreaterThan(0);
  });

  it('exposes the channel the remote opens', async () => {
    const { recorder, peer, messages } = await connect(['audio', 'channel']);
    await recorder.until(() => recorder.channels.length > 0);
    const [channel] = recorder.channels;
    expect(channel).toMatchObject({ label: 'masks', open: true, bufferedAmount: 0 });
    const bytes = Uint8Array.of(1, 2, 3);
    expect(channel!.send('text')).toBe(true);
    expect(channel!.send(bytes)).toBe(true);
    bytes.fill(0);
    expect(await messages(2)).toEqual(['text', Uint8Array.of(1, 2, 3)]);
    await peer.close('done');
    expect(channel!.open).toBe(false);
    expect(channel!.send('late')).toBe(false);
  });

  it('ends a track that a second offer takes away, and goes on with the other', async () => {
    const { recorder, peer, offerWithoutVideo, accept } = await connect(['audio', 'video']);
    const audio = recorder.of('audio');
    await recorder.until(() => audio.chunks.length > 0);
    const answer = await peer.answer(await offerWithoutVideo());
    expect(answer.accepted).toEqual(['audio']);
    expect(recorder.of('video').ended).toBe(1);
    const before = audio.chunks.length;
    await accept(answer);
    await recorder.until(() => audio.chunks.length > before);
    expect(audio.ended).toBe(0);
    expect(recorder.tracks).toHaveLength(2);
  });

  it('closes once: tracks end, the state says so, nothing follows', async () => {
    const { recorder, peer, offer } = await connect(['audio', 'video']);
    await recorder.until(() => recorder.of('video').chunks.length > 0);
    await Promise.all([peer.close('first'), peer.close('second')]);
    await peer.close('third');
    expect(peer.state).toBe('closed');
    expect(recorder.states.filter((state) => state === 'closed')).toHaveLength(1);
    expect(recorder.tracks.map(({ ended }) => ended)).toEqual([1, 1]);
    await expect(peer.answer(await offer(['audio']))).rejects.toMatchObject({ code: 'internal' });
    await peer.addCandidate(null);
  });

  it('closes before anything happened', async () => {
    const { peer, recorder } = create();
    await peer.close('never used');
    expect(recorder.states).toEqual(['closed']);
  });
});
