import { createRequire } from 'node:module';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { beforeAll, describe, expect, it } from 'vitest';

const config = createRequire(import.meta.url)('../../.dependency-cruiser.cjs');

describe('the floors check', () => {
  let result: ICruiseResult;

  beforeAll(async () => {
    const { output } = await cruise(['shared', 'server', 'client', 'loadtest', 'publisher'], {
      ...config.options,
      ruleSet: { forbidden: config.forbidden },
      validate: true,
    });
    result = output as ICruiseResult;
  });

  it('sees the modules and finds every import going down', () => {
    expect(result.summary.totalCruised).toBeGreaterThan(100);
    expect(result.summary.violations).toEqual([]);
  });

  it.each(['werift', 'node-av', 'onnxruntime-node', 'rxjs', 'prom-client', 'fft.js', 'fastify'])(
    'sees who imports %s',
    (library) => {
      const importers = result.modules.filter(({ dependencies }) =>
        dependencies.some(({ resolved }) => resolved.startsWith(`node_modules/${library}/`)),
      );
      expect(importers.length).toBeGreaterThan(0);
    },
  );
});
