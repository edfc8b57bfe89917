import { defineConfig } from 'vitest/config';
import { noteDeaths } from './test/process-deaths.ts';

noteDeaths();

const project = (name: string, include: string[], testTimeout: number, fileParallelism = true) => ({
  extends: true as const,
  test: { name, include, testTimeout, hookTimeout: testTimeout, fileParallelism },
});

export default defineConfig({
  test: {
    // @roamhq/wrtc and onnxruntime-node are native addons that do not survive vitest's worker threads.
    pool: 'forks',
    projects: [
      project('unit', ['{shared,server,client,loadtest,publisher,models/scenes}/**/*.test.ts'], 30_000),
      // A browser, a server and a model fill two cores; live video side by side would starve.
      project('contract', ['test/contract/**/*.test.ts'], 60_000, false),
      project('integration', ['test/integration/**/*.test.ts'], 240_000, false),
      project('browser', ['test/browser/**/*.test.ts'], 240_000, false),
    ],
  },
});
