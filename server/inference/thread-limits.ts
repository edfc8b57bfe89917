/** Memory of the server's own threads. */
import type { ResourceLimits } from 'node:worker_threads';

/**
 * V8 begins to mark the old generation once what is left of its limit is less than the nursery may grow to. With the usual nursery,
 * as large as what such a thread keeps, it would collect everything every second or two, for ever.
 */
export const THREAD_LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 12 };
