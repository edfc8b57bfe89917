import { describe, expect, it } from 'vitest';
import { openSession, paddedBatch, warmUpBatches } from './providers.ts';

const factory = {
  available: ['cuda', 'webgpu', 'cpu'],
  create: async ({ executionProviders }: { executionProviders?: readonly unknown[] }) => {
    if (executionProviders?.[0] !== 'cpu') {
      throw new Error(`/src/context.cc:136 Initialize() status == 0 was false. no ${executionProviders?.[0]} device\n`);
    }
    return 'session';
  },
};

describe('openSession', () => {
  it('takes the first that works and says why each before it does not', async () => {
    const opened = await openSession(factory, ['tensorrt', 'cuda', 'cpu', 'webgpu'], {});
    expect(opened).toEqual({
      session: 'session',
      provider: 'cpu',
      passedOver: [
        { provider: 'tensorrt', reason: 'not in this build of ONNX Runtime, which has cuda, webgpu, cpu' },
        { provider: 'cuda', reason: 'no cuda device' },
      ],
    });
  });

  it('fails with every reason when none works', async () => {
    await expect(openSession(factory, ['coreml', 'webgpu'], {})).rejects.toMatchObject({
      code: 'provider-unavailable',
      detail: 'coreml: not in this build of ONNX Runtime, which has cuda, webgpu, cpu; webgpu: no webgpu device',
    });
  });
});

describe('batch sizes', () => {
  it('are exact where shapes are free', () => {
    expect([1, 3, 16].map((frames) => paddedBatch('cpu', frames))).toEqual([1, 3, 16]);
    expect(warmUpBatches('cpu', 6)).toEqual([1, 6]);
    expect(warmUpBatches('cuda', 1)).toEqual([1]);
  });

  it('are few where each is compiled, and all of them are warmed', () => {
    expect([1, 2, 3, 5, 9, 16].map((frames) => paddedBatch('tensorrt', frames))).toEqual([1, 2, 4, 8, 16, 16]);
    expect(warmUpBatches('webgpu', 5)).toEqual([1, 2, 4, 8]);
  });
});
