/** What /openapi.json says beside the routes of WHIP and the results feeds, which describe themselves. */
import { readFileSync } from 'node:fs';
import type { SwaggerOptions } from '@fastify/swagger';
import { Type } from 'typebox';
import { problems } from './signalling/problem.ts';

const { version, description } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly description: string;
};

export const API_DESCRIPTION: SwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: { title: 'avsac-live', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    tags: [
      { name: 'whip', description: 'Publishing by WHIP (RFC 9725)' },
      { name: 'results', description: 'Masks for machines' },
      { name: 'operations', description: 'Health and metrics' },
    ],
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'One of AVSAC_TOKENS (RFC 6750); when none are set, no token is needed, from this machine only',
        },
      },
    },
  },
  // Components are called what their schemas are called.
  refResolver: { buildLocalReference: (schema, _base, _fragment, i) => String(schema.$id ?? `schema-${i}`) },
};

const operations = ['operations'];
const Status = Type.Object({ status: Type.String() });

export const LIVE = {
  operationId: 'live',
  summary: 'Whether the process answers',
  tags: operations,
  response: { 200: { description: 'It does', ...Status } },
};

export const READY = {
  operationId: 'ready',
  summary: 'Whether sessions are taken',
  tags: operations,
  response: {
    200: { description: 'They are', ...Status, additionalProperties: true },
    503: { description: 'Not yet, or no more: starting, draining or model-failed', ...Status },
  },
};

export const METRICS = {
  operationId: 'metrics',
  summary: 'Prometheus metrics',
  tags: operations,
  response: { 200: { description: 'Exposition format 0.0.4', content: { 'text/plain': { schema: Type.String() } } } },
};

export const PROBLEM_TYPE = {
  operationId: 'problemType',
  summary: 'What a kind of problem means',
  tags: operations,
  params: Type.Object({ code: Type.String({ maxLength: 64 }) }),
  response: { 200: { description: 'The row of the error table', $ref: 'Problem#' }, ...problems(404) },
};

export const OPENAPI = {
  operationId: 'openapi',
  summary: 'This description',
  tags: operations,
  response: { 200: { description: 'OpenAPI 3.1', type: 'object', additionalProperties: true } },
};
