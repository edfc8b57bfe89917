import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AvsacError } from '../../shared/errors.ts';
import { TestTrack } from '../../test/fixtures/fake-media.ts';
import { ACCEPTED, join } from '../../test/fixtures/scripted-session.ts';
import type { AnswerResult } from '../peer/peer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('deadlines', () => {
  it('ends without an offer in 30 s', async () => {
    const { ends } = join();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual([['offer-missing', 'offer-missing']]);
  });

  it('does not take an offer that failed for one', async () => {
    const { peer, offer, ends } = join();
    peer.answering = () => Promise.reject(new AvsacError('sdp-invalid'));
    await offer();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(ends).toEqual([['offer-missing', 'offer-missing']]);
  });

  it('ends without a connection in 20 s after the answer', async () => {
    const { peer, offer, ends } = join();
    await vi.advanceTimersByTimeAsync(25_000);
    await offer();
    peer.become('connecting');
    await vi.advanceTimersByTimeAsync(19_999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual([['peer-timeout', 'peer-timeout']]);
  });

  it.each(['disconnected', 'failed'] as const)('gives a connection that is %s 20 s to come back', async (state) => {
    const { peer, connect, ends } = join();
    await connect();
    await vi.advanceTimersByTimeAsync(100_000);
    peer.become(state);
    await vi.advanceTimersByTimeAsync(19_999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual([['peer-failed', 'peer-failed']]);
  });

  it('goes on with a connection that came back', async () => {
    const { peer, connect, ends } = join();
    await connect();
    peer.become('disconnected');
    await vi.advanceTimersByTimeAsync(19_000);
    peer.become('connected');
    await vi.advanceTimersByTimeAsync(100_000);
    expect(ends).toEqual([]);
  });

  it('sets no deadline for a renegotiation while connected', async () => {
    const { connect, offer, ends } = join();
    await connect();
    await offer();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(ends).toEqual([]);
  });
});

describe('close', () => {
  it('ends everything once, though the peer reports its end too', async () => {
    const { session, peer, ends, segmenter, decoders, connect } = join();
    await connect();
    for (const kind of ['audio', 'video'] as const) peer.listener.track(new TestTrack(kind));
    await Promise.all([session.close('server-closed'), session.close('client-left')]);
    await session.close('client-left');
    expect(ends).toEqual([['server-closed', undefined]]);
    expect(peer.closings).toEqual(['server-closed']);
    expect(segmenter.left).toEqual(['s']);
    expect([...decoders.audio, ...decoders.video].map(({ closed }) => closed)).toEqual([true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends when the client says bye', async () => {
    const { session, ends } = join();
    session.receive({ type: 'bye' });
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toEqual([['client-left', undefined]]);
  });

  it('ends when the other side has closed the connection', async () => {
    const { peer, connect, ends } = join();
    await connect();
    peer.become('closed');
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toEqual([['peer-closed', undefined]]);
  });

  it('ends with the error that broke its pipeline', async () => {
    const { peer, decoders, connect, ends, failures } = join();
    await connect();
    const error = new AvsacError('decoder-unavailable');
    vi.spyOn(decoders, 'createVideoDecoder').mockImplementation(() => {
      throw error;
    });
    peer.listener.track(new TestTrack('video'));
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toEqual([['pipeline-failed', 'decoder-unavailable']]);
    expect(failures).toEqual([error]);
  });

  it('sends nothing any more, and answers no offer', async () => {
    const { session, peer, messages, offer } = join();
    const answer = Promise.withResolvers<AnswerResult>();
    peer.answering = () => answer.promise;
    await offer();
    session.receive({ type: 'offer', sdp: 'waiting' });
    await session.close('client-left');
    answer.resolve(ACCEPTED);
    peer.listener.candidate({ candidate: 'late' });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(messages).toEqual([]);
    expect(peer.offers).toEqual(['offer']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
