import { describe, expect, it } from 'vitest';
import { AvsacError } from '../../shared/errors.ts';
import { type ExecutionProvider, openWithFirst, paddedBatch, warmUpBatches } from './providers.ts';

const available = ['cuda', 'webgpu', 'cpu'];
const open = async (provider: ExecutionProvider): Promise<string> => {
  if (provider === 'cpu') return 'session';
  throw new Error(`/src/context.cc:136 Initialize() status == 0 was false. no ${provider} device\n`);
};

describe('openWithFirst', () => {
  it('takes the first that works and says why each before it does not', async () => {
    expect(await openWithFirst(['tensorrt', 'cuda', 'cpu', 'webgpu'], available, open)).toEqual({
      session: 'session',
      provider: 'cpu',
      passedOver: [
        { provider: 'tensorrt', reason: 'not in this build of ONNX Runtime, which has cuda, webgpu, cpu' },
        { provider: 'cuda', reason: 'no cuda device' },
      ],
    });
  });

  it('fails with every reason when none works', async () => {
    await expect(openWithFirst(['coreml', 'webgpu'], available, open)).rejects.toMatchObject({
      code: 'provider-unavailable',
      detail: 'coreml: not in this build of ONNX Runtime, which has cuda, webgpu, cpu; webgpu: no webgpu device',
    });
  });

  it('tries no other when the model itself is at fault', async () => {
    const fault = new AvsacError('model-manifest-invalid', 'no such tensor');
    const tried: ExecutionProvider[] = [];
    const opening = openWithFirst(['cuda', 'cpu'], available, async (provider) => {
      tried.push(provider);
      throw fault;
    });
    await expect(opening).rejects.toBe(fault);
    expect(tried).toEqual(['cuda']);
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
