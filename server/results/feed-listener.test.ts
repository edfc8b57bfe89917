import { describe, expect, it } from 'vitest';
import type { FeedLine } from '../../shared/results.ts';
import { FeedListener, type FeedSink } from './feed-listener.ts';

/** A network that takes a line when the test says so. */
class SlowSink implements FeedSink {
  readonly written: [type: FeedLine['type'], line: string][] = [];
  #taken: (() => void)[] = [];
  ended = false;

  write(type: FeedLine['type'], line: string, taken: () => void): void {
    this.written.push([type, line]);
    this.#taken.push(taken);
  }

  end(): void {
    this.ended = true;
  }

  take(): void {
    for (const taken of this.#taken.splice(0)) taken();
  }
}

function listen(rateHz?: number) {
  const sink = new SlowSink();
  let [drops, nowMs] = [0, 0];
  const listener = new FeedListener(
    sink,
    rateHz,
    () => drops++,
    () => nowMs,
  );
  const at = (timeMs: number) => {
    nowMs = timeMs;
  };
  return { sink, listener, at, drops: () => drops };
}

describe('FeedListener', () => {
  it('gives every result to a network that takes them', () => {
    const { sink, listener, drops } = listen();
    for (const line of ['a', 'b', 'c']) {
      listener.result(line);
      sink.take();
    }
    expect(sink.written.map(([, line]) => line)).toEqual(['a', 'b', 'c']);
    expect(drops()).toBe(0);
  });

  it('lets the newest wait for a slow network, and counts those it took the place of', () => {
    const { sink, listener, drops } = listen();
    for (const line of ['a', 'b', 'c', 'd']) listener.result(line);
    expect(sink.written.map(([, line]) => line)).toEqual(['a']);
    sink.take();
    expect(sink.written.map(([, line]) => line)).toEqual(['a', 'd']);
    sink.take();
    listener.result('e');
    expect(sink.written.map(([, line]) => line)).toEqual(['a', 'd', 'e']);
    expect(drops()).toBe(2);
  });

  it.each([
    [1, 3],
    [4, 12],
    [10, 30],
    [30, 30],
  ])('thins ten results a second to %d a second without a drop', (rateHz, expected) => {
    const { sink, listener, at, drops } = listen(rateHz);
    for (let timeMs = 0; timeMs < 3000; timeMs += 100) {
      at(timeMs);
      listener.result(String(timeMs));
      sink.take();
    }
    expect(sink.written).toHaveLength(expected);
    expect(drops()).toBe(0);
  });

  it('makes nothing up after a pause', () => {
    const { sink, listener, at } = listen(2);
    for (const timeMs of [0, 5000, 5100, 5200]) {
      at(timeMs);
      listener.result(String(timeMs));
      sink.take();
    }
    expect(sink.written.map(([, line]) => line)).toEqual(['0', '5000']);
  });

  it('lets notices and the end pass, and is silent after it', () => {
    const { sink, listener } = listen(1);
    listener.result('a');
    listener.result('b');
    listener.notice({ type: 'notice', code: 'audio-missing', message: 'none' });
    listener.ended('client-left');
    sink.take();
    listener.result('c');
    listener.notice({ type: 'notice', code: 'audio-missing', message: 'none' });
    listener.ended('again');
    expect(sink.written).toEqual([
      ['result', 'a'],
      ['notice', '{"type":"notice","code":"audio-missing","message":"none"}'],
      ['end', '{"type":"end","reason":"client-left"}'],
    ]);
    expect(sink.ended).toBe(true);
  });
});
