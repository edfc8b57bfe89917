import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isForgeable } from './dtls-records.ts';

function record(type: number, epoch: number, ...body: number[]): number[] {
  return [type, 0xfe, 0xfd, epoch >> 8, epoch & 0xff, 0, 0, 0, 0, 0, 1, body.length >> 8, body.length & 0xff, ...body];
}

describe('isForgeable', () => {
  it.each([
    ['an alert in the clear', record(21, 0, 1, 0), true],
    ['a ClientHello in the clear', record(22, 0, 1, 0, 0, 9), true],
    ['one behind an authentic record', [...record(23, 1, 7, 7), ...record(21, 0, 2, 40)], true],
    ['an authentic alert', record(21, 1, 9, 9, 9), false],
    ['application data', record(23, 1, 9), false],
    [
      'the last flight of a handshake, sent again',
      [...record(22, 0, 16, 0), ...record(20, 0, 1), ...record(22, 1, 3)],
      false,
    ],
    ['a stump', record(21, 0).slice(0, 12), false],
  ])('%s', (_name, bytes, forgeable) => {
    expect(isForgeable(Uint8Array.from(bytes))).toBe(forgeable);
  });

  it('takes any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => typeof isForgeable(bytes) === 'boolean'));
  });
});
