/** Execution providers: which of the configured ones runs the model, and why the ones before it do not. */
import { AvsacError } from '../../shared/errors.ts';

/** Names of ONNX Runtime's execution providers. */
export const EXECUTION_PROVIDERS = ['cuda', 'tensorrt', 'webgpu', 'dml', 'coreml', 'cpu'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

/** Providers that compile the graph anew for every input shape: their batches are padded to one of few sizes. */
const COMPILES_SHAPES: ReadonlySet<ExecutionProvider> = new Set(['tensorrt', 'webgpu', 'dml', 'coreml']);

/** Batch sizes, in frames, that a provider which compiles shapes is given. */
export const BATCH_BUCKETS = [1, 2, 4, 8, 16] as const;

/** Frames that a batch of `frames` is padded to for `provider`; `frames` itself when it takes any size or no bucket holds it. */
export function paddedBatch(provider: ExecutionProvider, frames: number): number {
  if (!COMPILES_SHAPES.has(provider)) return frames;
  return BATCH_BUCKETS.find((bucket) => bucket >= frames) ?? frames;
}

/** Batch sizes to run before the first frame: every shape that must be compiled, else the smallest and the largest. */
export function warmUpBatches(provider: ExecutionProvider, maxFrames: number): readonly number[] {
  if (!COMPILES_SHAPES.has(provider)) return maxFrames === 1 ? [1] : [1, maxFrames];
  return BATCH_BUCKETS.filter((bucket) => bucket <= paddedBatch(provider, maxFrames));
}

/**
 * Most frames of a batch. On the CPU a frame in a batch of 2 costs 5 % less than alone and in larger ones no less, while
 * the first waits for the last.
 */
export function maxBatchFrames(provider: ExecutionProvider): number {
  return provider === 'cpu' ? 2 : BATCH_BUCKETS.at(-1)!;
}

export interface PassedOver {
  readonly provider: ExecutionProvider;
  readonly reason: string;
}

export interface Opened<S> {
  readonly session: S;
  readonly provider: ExecutionProvider;
  /** The providers tried before, in order, each with the reason it does not run the model. */
  readonly passedOver: readonly PassedOver[];
}

/**
 * Opens the model with the first provider of `order` that takes it.
 * @param available providers in this build of ONNX Runtime.
 * @param open throws when the provider cannot run the model; an AvsacError when no provider could.
 * @throws AvsacError that of `open`, or `provider-unavailable` with the reason of each.
 */
export async function openWithFirst<S>(
  order: readonly ExecutionProvider[],
  available: readonly string[],
  open: (provider: ExecutionProvider) => Promise<S>,
): Promise<Opened<S>> {
  const passedOver: PassedOver[] = [];
  for (const provider of order) {
    if (!available.includes(provider)) {
      passedOver.push({ provider, reason: `not in this build of ONNX Runtime, which has ${available.join(', ')}` });
      continue;
    }
    try {
      return { session: await open(provider), provider, passedOver };
    } catch (error) {
      if (error instanceof AvsacError) throw error;
      passedOver.push({ provider, reason: reasonOf(error) });
    }
  }
  const reasons = passedOver.map(({ provider, reason }) => `${provider}: ${reason}`);
  throw new AvsacError('provider-unavailable', reasons.join('; '));
}

/** What remains of the runtime's message without the source line and the assertion that it begins with. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(' was false. ').at(-1)!.trim();
}
