import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AvsacError } from './errors.ts';
import {
  decodeMask,
  encodeMask,
  MASK_STAGES,
  type MaskMessage,
  type MaskStage,
  maskMessageBytes,
  paintClassMask,
} from './mask-codec.ts';
import { encodeRuns } from './rle.ts';

const SAMPLE: MaskMessage = {
  sequence: 0x01020304,
  rtpTimestamp: 0xfffffffe,
  captureTimeMs: 1_700_000_000_123.5,
  width: 4,
  height: 300,
  frameWidth: 640,
  frameHeight: 480,
  skewMs: -1.5,
  gated: false,
  reduced: true,
  stagesMs: { decode: 1.2, pair: 0, queue: 0.1, inference: 6553.5, encode: 0.3 },
  classes: [{ classIndex: 7, runs: [0, 200, 1000] }],
};

describe('mask message', () => {
  it('is this, byte for byte', () => {
    expect(Buffer.from(encodeMask(SAMPLE)).toString('hex')).toBe(
      [
        '4156', // magic
        '01', // version
        '06', // flags: reduced, capture time known
        '01020304', // sequence
        'fffffffe', // RTP timestamp
        '4278bcfe5687b800', // capture time, float64
        '0004', // width
        '012c', // height
        '0280', // frame width
        '01e0', // frame height
        'fff1', // skew -15 tenths of a ms
        '000c', // decode
        '0000', // pair
        '0001', // queue
        'ffff', // inference
        '0003', // encode
        '0001', // one class
        '0007', // class index
        '00000005', // bytes of runs
        '00', // 0
        'c801', // 200
        'e807', // 1000
      ].join(''),
    );
  });

  it('comes back as it went, for any mask', () => {
    const stages = fc.tuple(...MASK_STAGES.map(() => fc.integer({ min: 0, max: 0xffff })));
    const mask = fc
      .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }), seed: fc.integer() })
      .chain(({ width, height }) =>
        fc.record({
          width: fc.constant(width),
          height: fc.constant(height),
          pixels: fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }),
        }),
      );
    fc.assert(
      fc.property(
        mask,
        stages,
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        fc.option(fc.double({ noNaN: true }), { nil: undefined }),
        fc.integer({ min: -0x8000, max: 0x7fff }),
        fc.boolean(),
        ({ width, height, pixels }, tenths, sequence, rtpTimestamp, captureTimeMs, skewTenths, gated) => {
          const message: MaskMessage = {
            sequence,
            rtpTimestamp,
            captureTimeMs,
            width,
            height,
            frameWidth: 1280,
            frameHeight: 720,
            skewMs: skewTenths / 10,
            gated,
            reduced: false,
            stagesMs: Object.fromEntries(MASK_STAGES.map((stage, i) => [stage, tenths[i]! / 10])) as Record<
              MaskStage,
              number
            >,
            classes: [{ classIndex: 3, runs: encodeRuns(pixels, width, height) }],
          };
          const bytes = encodeMask(message);
          expect(bytes.length).toBe(maskMessageBytes(message.classes));
          const decoded = decodeMask(bytes);
          expect(decoded).toEqual(message);
          const painted = new Uint8Array(width * height);
          paintClassMask(decoded, decoded.classes[0]!, painted);
          expect(painted).toEqual(pixels);
        },
      ),
    );
  });

  it('saturates durations and skew instead of wrapping', () => {
    const decoded = decodeMask(
      encodeMask({ ...SAMPLE, skewMs: 1e9, stagesMs: { ...SAMPLE.stagesMs, queue: 1e9, decode: -5 } }),
    );
    expect(decoded.skewMs).toBe(3276.7);
    expect(decoded.stagesMs.queue).toBe(6553.5);
    expect(decoded.stagesMs.decode).toBe(0);
  });

  it('refuses random bytes, cut and altered messages with the project’s error alone', () => {
    const bytes = encodeMask(SAMPLE);
    const onlyOurs = (candidate: Uint8Array) => {
      try {
        decodeMask(candidate);
      } catch (error) {
        expect(error).toBeInstanceOf(AvsacError);
        expect((error as AvsacError).code).toBe('mask-message-invalid');
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), onlyOurs));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const altered = Uint8Array.from(bytes);
        altered[at] = value;
        onlyOurs(altered);
      }),
    );
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeMask(bytes.subarray(0, length))).toThrow(AvsacError);
    }
    expect(() => decodeMask(new Uint8Array([...bytes, 0]))).toThrow(/after the last class/);
  });
});
