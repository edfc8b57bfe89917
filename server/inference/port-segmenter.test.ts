import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { AvsacError } from '../../shared/errors.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { type FakeAnswer, FakeSegmenter, IMMEDIATE_LOGITS } from './fake-segmenter.ts';
import { allocateModelInput } from './model-input.ts';
import { connectSegmenter, serveSegmenter } from './port-segmenter.ts';
import type { Segmenter, SegmentReply, SegmentRequest } from './segmenter.ts';

const channels: MessageChannel[] = [];
afterEach(() => {
  for (const { port1 } of channels.splice(0)) port1.close();
});

async function connect(answer: FakeAnswer): Promise<{ fake: FakeSegmenter; far: Segmenter; channel: MessageChannel }> {
  const channel = new MessageChannel();
  channels.push(channel);
  const fake = new FakeSegmenter(tinyManifest(), answer);
  const connecting = connectSegmenter(channel.port2);
  serveSegmenter(fake, channel.port1);
  return { fake, far: await connecting, channel };
}

/** An answer that waits for the test, and a promise of the time when `count` requests wait for it. */
function held(count: number): {
  answer: FakeAnswer;
  settle: ((reply: SegmentReply) => void)[];
  arrived: Promise<void>;
} {
  const settle: ((reply: SegmentReply) => void)[] = [];
  const arrived = Promise.withResolvers<void>();
  const answer = (): Promise<SegmentReply> =>
    new Promise((resolve) => {
      settle.push(resolve);
      if (settle.length === count) arrived.resolve();
    });
  return { answer, settle, arrived: arrived.promise };
}

const request = (sessionId: string): SegmentRequest => ({
  sessionId,
  inputs: [allocateModelInput(tinyManifest())],
  deadlineMs: 5,
});

describe('a segmenter over a port', () => {
  it('tells what the segmenter behind it is', async () => {
    const { far } = await connect(() => IMMEDIATE_LOGITS);
    expect(far.manifest).toEqual(tinyManifest());
    expect(far.executionProvider).toBe('fake');
  });

  it('hands over the memory itself, and the reply', async () => {
    const { fake, far } = await connect(({ inputs }) => {
      inputs[0]!.logits[3] = inputs[0]!.image[2]! / 2;
      return { kind: 'logits', queueMs: 1, inferenceMs: 2, batchSize: 3 };
    });
    const sent = request('a');
    sent.inputs[0]!.image[2] = 9;
    await expect(far.segment(sent)).resolves.toEqual({ kind: 'logits', queueMs: 1, inferenceMs: 2, batchSize: 3 });
    expect(sent.inputs[0]!.logits[3]).toBe(4.5);
    expect(fake.requests[0]).toMatchObject({ sessionId: 'a', deadlineMs: 5 });
  });

  it('matches replies to requests, whatever the order', async () => {
    const { answer, settle, arrived } = held(2);
    const { far } = await connect(answer);
    const replies = ['a', 'b'].map((session) => far.segment(request(session)));
    await arrived;
    settle[1]!({ kind: 'dropped', reason: 'superseded' });
    await expect(replies[1]).resolves.toEqual({ kind: 'dropped', reason: 'superseded' });
    settle[0]!(IMMEDIATE_LOGITS);
    await expect(replies[0]).resolves.toEqual(IMMEDIATE_LOGITS);
  });

  it('passes errors on with their code', async () => {
    const { far } = await connect(() => {
      throw new AvsacError('inference-failed', 'a node of the graph');
    });
    await expect(far.segment(request('a'))).rejects.toMatchObject({
      code: 'inference-failed',
      detail: 'a node of the graph',
    });
  });

  it('passes on that a session leaves', async () => {
    const { fake, far } = await connect(() => IMMEDIATE_LOGITS);
    await far.segment(request('a'));
    far.leave('a');
    await far.segment(request('b'));
    expect(fake.left).toEqual(['a']);
  });

  it('drops what waits when its own side closes, and what comes after', async () => {
    const { answer, arrived } = held(1);
    const { fake, far } = await connect(answer);
    const waiting = far.segment(request('a'));
    await arrived;
    await Promise.all([far.close(), far.close()]);
    await expect(waiting).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
    await expect(far.segment(request('a'))).resolves.toEqual({ kind: 'dropped', reason: 'closed' });
    expect(() => far.leave('a')).not.toThrow();
    expect(fake.closed).toBe(false);
  });

  it('lets every session of a port leave when the port closes', async () => {
    const { fake, far, channel } = await connect(() => IMMEDIATE_LOGITS);
    await far.segment(request('a'));
    await far.segment(request('b'));
    far.leave('a');
    await far.segment(request('c'));
    const closed = new Promise((resolve) => channel.port1.once('close', resolve));
    await far.close();
    await closed;
    expect(fake.left).toEqual(['a', 'b', 'c']);
  });

  it('fails to connect to a port that closes', async () => {
    const { port1, port2 } = new MessageChannel();
    const connecting = connectSegmenter(port2);
    port1.close();
    await expect(connecting).rejects.toMatchObject({ code: 'inference-failed' });
  });
});
