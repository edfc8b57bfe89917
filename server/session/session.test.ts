import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AvsacError, ERRORS, type ErrorCode } from '../../shared/errors.ts';
import { decodeMask } from '../../shared/mask-codec.ts';
import type { NoticeCode, SessionStats } from '../../shared/signalling.ts';
import { TestTrack } from '../../test/fixtures/fake-media.ts';
import { ACCEPTED, join } from '../../test/fixtures/scripted-session.ts';
import { FakeChannel } from '../peer/fake-peer.ts';
import type { AnswerResult } from '../peer/peer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('negotiation', () => {
  it('answers an offer', async () => {
    const { peer, offer, messages } = join();
    await offer();
    expect(peer.offers).toEqual(['offer']);
    expect(messages).toEqual([{ type: 'answer', sdp: 'answer' }]);
  });

  it('passes candidates both ways', async () => {
    const { session, peer, messages } = join();
    session.receive({ type: 'candidate', candidate: { candidate: 'theirs' } });
    session.receive({ type: 'candidate', candidate: null });
    peer.listener.candidate({ candidate: 'ours' });
    await vi.advanceTimersByTimeAsync(0);
    expect(peer.candidates).toEqual([{ candidate: 'theirs' }, null]);
    expect(messages).toEqual([{ type: 'candidate', candidate: { candidate: 'ours' } }]);
  });

  it('answers a candidate that cannot be parsed with an error, and goes on', async () => {
    const { session, errors, ends } = join();
    session.receive({ type: 'candidate', candidate: { candidate: 'nonsense' } });
    await vi.advanceTimersByTimeAsync(0);
    expect(errors()).toEqual(['candidate-invalid']);
    expect(ends).toEqual([]);
  });

  it.each<[Error, ErrorCode, number]>([
    [new AvsacError('sdp-invalid'), 'sdp-invalid', 0],
    [new TypeError('undefined is not a function'), 'internal', 1],
  ])('answers an offer that fails with its error, and takes the next: %s', async (error, code, logged) => {
    const { peer, offer, errors, of, failures } = join();
    peer.answering = () => Promise.reject(error);
    await offer();
    expect(errors()).toEqual([code]);
    expect(of('error')[0]!.message).toBe(ERRORS[code].message);
    expect(failures).toEqual(Array(logged).fill(error));
    peer.answering = async () => ACCEPTED;
    await offer();
    expect(of('answer')).toHaveLength(1);
  });

  it('answers offers one after the other, and refuses a fifth that waits', async () => {
    const { session, peer, offer, errors, of } = join();
    const answers: PromiseWithResolvers<AnswerResult>[] = [];
    peer.answering = () => {
      const answer = Promise.withResolvers<AnswerResult>();
      answers.push(answer);
      return answer.promise;
    };
    for (let i = 0; i < 5; i++) session.receive({ type: 'offer', sdp: `offer ${i}` });
    await vi.advanceTimersByTimeAsync(0);
    expect(errors()).toEqual(['message-invalid']);
    expect(peer.offers).toEqual(['offer 0']);
    for (let i = 0; i < 4; i++) {
      answers[i]!.resolve(ACCEPTED);
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(of('answer')).toHaveLength(4);
    await offer();
    expect(peer.offers.at(-1)).toBe('offer');
    expect(errors()).toHaveLength(1);
  });
});

describe('notices', () => {
  it.each<[NoticeCode[], Partial<AnswerResult>]>([
    [[], {}],
    [['audio-missing'], { accepted: ['video'] }],
    [['video-missing'], { accepted: ['audio'] }],
    [['video-codec-unsupported'], { accepted: ['audio'], refused: [{ kind: 'video', offeredCodecs: ['H265'] }] }],
    [['audio-codec-unsupported'], { accepted: ['video'], refused: [{ kind: 'audio', offeredCodecs: ['G722'] }] }],
  ])('%j for an answer with %j', async (expected, answer) => {
    const { peer, offer, notices } = join();
    peer.answering = async () => ({ ...ACCEPTED, ...answer });
    await offer();
    await offer();
    expect(notices()).toEqual(expected);
  });

  it('names the codecs that were offered', async () => {
    const { peer, offer, of } = join();
    const refused = [{ kind: 'video', offeredCodecs: ['H265', 'H266'] }] as const;
    peer.answering = async () => ({ ...ACCEPTED, accepted: ['audio'], refused });
    await offer();
    expect(of('notice')[0]!.message).toContain('H265, H266');
  });

  it('says again that sound is missing when it has come and gone', async () => {
    const { peer, offer, notices } = join();
    for (const accepted of [['video'], ['audio', 'video'], ['video']] as const) {
      peer.answering = async () => ({ ...ACCEPTED, accepted });
      await offer();
    }
    expect(notices()).toEqual(['audio-missing', 'audio-missing']);
  });

  it('says that video has stalled, each time, and asks for a key frame meanwhile', async () => {
    const { peer, connect, notices } = join();
    const video = new TestTrack('video');
    await connect();
    peer.listener.channel(new FakeChannel('masks'));
    peer.listener.track(video);
    const askedAtFirst = video.keyFrameRequests;
    video.receive(0, 0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(notices()).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(notices()).toEqual(['video-stalled']);
    expect(video.keyFrameRequests - askedAtFirst).toBe(6);
    video.receive(7000, 0);
    await vi.advanceTimersByTimeAsync(3000);
    expect(notices()).toEqual(['video-stalled', 'video-stalled']);
  });

  it('does not speak of stalled media before there is a connection', async () => {
    const { peer, offer, notices } = join();
    peer.listener.track(new TestTrack('audio'));
    await offer();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(notices()).toEqual([]);
    peer.become('connected');
    await vi.advanceTimersByTimeAsync(3000);
    expect(notices()).toEqual(['audio-stalled']);
  });

  it('says that the mask channel is missing, once it has had time to open', async () => {
    const { peer, connect, notices } = join();
    const video = new TestTrack('video');
    await connect();
    peer.listener.track(video);
    for (let second = 0; second < 5; second++) {
      video.receive(second * 1000, 0);
      await vi.advanceTimersByTimeAsync(1000);
      expect(notices()).toEqual(second < 2 ? [] : ['mask-channel-missing']);
    }
  });

  it('does not speak of a mask channel that opens a moment after the connection', async () => {
    const { peer, connect, notices } = join();
    const video = new TestTrack('video');
    await vi.advanceTimersByTimeAsync(990);
    await connect();
    peer.listener.track(video);
    await vi.advanceTimersByTimeAsync(100);
    peer.listener.channel(new FakeChannel('masks'));
    for (let second = 0; second < 5; second++) {
      video.receive(second * 1000, 0);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(notices()).toEqual([]);
  });
});

describe('channels', () => {
  it('sends masks by the one, figures once a second by the other', async () => {
    const { peer, connect } = join();
    const [masks, control, other] = ['masks', 'control', 'other'].map((label) => new FakeChannel(label));
    for (const channel of [masks!, control!, other!]) peer.listener.channel(channel);
    const video = new TestTrack('video');
    await connect();
    peer.listener.track(video);
    for (let timeMs = 0; timeMs < 1000; timeMs += 100) {
      video.receive(timeMs, 0);
      await vi.advanceTimersByTimeAsync(100);
    }
    const received = masks!.sent.map((bytes) => decodeMask(bytes as Uint8Array));
    expect(received.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(control!.sent.map((text): SessionStats => JSON.parse(text as string))).toEqual([
      {
        type: 'stats',
        masksSent: 10,
        targetMaskRateHz: 10,
        drops: {},
        videoBitrate: 80,
        audioBitrate: 0,
        packetsLost: 0,
        nacksSent: 0,
        plisSent: 0,
        videoCodec: 'VP8',
        frameWidth: 640,
        frameHeight: 480,
        skewP50Ms: 0,
        skewP95Ms: 0,
        clockSource: 'arrival',
        executionProvider: 'fake',
      },
    ]);
    expect(other!.sent).toEqual([]);
  });

  it('counts frames that never came whole among the drops, those of a track that took its place as well', async () => {
    const { peer, connect, telemetry } = join();
    await connect();
    const dropped = async (track: TestTrack, framesDropped: number) => {
      track.stats = () => ({ ...TestTrack.prototype.stats.call(track), framesDropped });
      await vi.advanceTimersByTimeAsync(1000);
    };
    const first = new TestTrack('video');
    peer.listener.track(first);
    await dropped(first, 3);
    await dropped(first, 5);
    const second = new TestTrack('video');
    peer.listener.track(second);
    await dropped(second, 2);
    expect(telemetry.take().drops['frame-incomplete']).toBe(7);
  });
});

describe('WHIP', () => {
  it('refuses an offer of which a part is refused, and says which', async () => {
    const { peer, offer, of } = join('whip');
    peer.answering = async () => ({
      ...ACCEPTED,
      accepted: ['audio'],
      refused: [{ kind: 'video', offeredCodecs: ['THEORA', 'rtx'] }],
    });
    await offer();
    expect(of('answer')).toEqual([]);
    expect(of('error')).toEqual([
      {
        type: 'error',
        code: 'media-refused',
        message: `${ERRORS['media-refused'].message} (video as THEORA, rtx)`,
      },
    ]);
  });

  it('speaks of no channel, for its clients open none', async () => {
    const { peer, connect, notices } = join('whip');
    await connect();
    const video = new TestTrack('video');
    peer.listener.track(video);
    for (let timeMs = 0; timeMs < 4000; timeMs += 100) {
      video.receive(timeMs, 0);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(notices()).toEqual([]);
  });
});

describe('results', () => {
  it('are made while somebody watches, with and without a channel', async () => {
    const { session, peer, connect, lines, telemetry } = join('whip');
    await connect();
    const video = new TestTrack('video');
    peer.listener.track(video);
    const play = async (fromMs: number) => {
      for (let timeMs = fromMs; timeMs < fromMs + 500; timeMs += 100) {
        video.receive(timeMs, 0);
        await vi.advanceTimersByTimeAsync(100);
      }
    };
    await play(0);
    expect(lines).toEqual([]);
    expect(telemetry.take().drops).toEqual({ 'channel-closed': 5 });
    session.watch(true);
    await play(500);
    expect(lines.map((line) => JSON.parse(line).sequence)).toEqual([0, 1, 2, 3, 4]);
    expect(telemetry.take()).toMatchObject({ drops: {}, counts: { masks: 5 } });
    session.watch(false);
    await play(1000);
    expect(lines).toHaveLength(5);
  });
});
