import { Validator } from '@seriousme/openapi-schema-validator';
import { afterEach, describe, expect, it } from 'vitest';
import { type App, createApp } from './app.ts';
import { Admission } from './session/admission.ts';
import { Access } from './signalling/access.ts';
import { Metrics } from './telemetry/metrics.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}
interface Description {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly [field: string]: unknown;
}

let app: App;
afterEach(() => app.close());

async function describeApp(): Promise<Description> {
  app = await createApp({
    admission: new Admission(1),
    access: new Access([]),
    metrics: new Metrics(),
    service: () => undefined,
    clientFolder: '/nonexistent',
    logLevel: 'silent',
  });
  const response = await app.inject('/openapi.json');
  expect(response.statusCode).toBe(200);
  return response.json();
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1', async () => {
    const description = await describeApp();
    expect(description.openapi).toBe('3.1.0');
    const { valid, errors } = await new Validator().validate(structuredClone(description));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  it('names every operation, and what each may answer', async () => {
    const { paths } = await describeApp();
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    );
    expect(operations.map(({ name }) => name).sort()).toEqual([
      'delete /whip/{sessionId}',
      'get /errors/{code}',
      'get /livez',
      'get /metrics',
      'get /openapi.json',
      'get /readyz',
      'get /sessions',
      'get /sessions/{sessionId}/results',
      'get /whip',
      'get /whip/{sessionId}',
      'options /whip',
      'options /whip/{sessionId}',
      'patch /whip/{sessionId}',
      'post /whip',
    ]);
    for (const { name, operation } of operations) {
      expect(operation.summary, name).toEqual(expect.any(String));
      expect(Object.keys(operation.responses), name).not.toHaveLength(0);
    }
    expect(Object.keys(paths['/whip']!.post!.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '406', '415', '422', '503']),
    );
    expect(Object.keys(paths['/whip/{sessionId}']!.patch!.responses)).toEqual(
      expect.arrayContaining(['200', '204', '409', '412', '428']),
    );
  });
});
