/** Errors over HTTP: problem details (RFC 9457), each row of the error table a problem type at `/errors/CODE`. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { AvsacError, asAvsacError, ERRORS, type ErrorCode } from '../../shared/errors.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
export const ERRORS_PATH = '/errors';
const PROBLEM_ID = 'Problem';

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Address of the problem type' }),
    title: Type.String({ description: 'What is wrong and what helps, the same for every occurrence' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.Optional(Type.String({ description: 'What exactly was wrong this time' })),
    code: Type.String({ description: 'Row of the error table' }),
  },
  { $id: PROBLEM_ID, title: 'Problem', description: 'Problem details (RFC 9457)' },
);
type Problem = Static<typeof ProblemSchema>;

/** Responses of an OpenAPI operation that are problems. */
export function problems(...statuses: readonly number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: STATUS_CODES[status],
        content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: `${PROBLEM_ID}#` } } },
      },
    ]),
  );
}

/** Of operations that `Access` guards: a token, or none where none are set. */
export const SECURITY = [{ token: [] }, {}];

/** Of errors that Fastify and its plugins raise by themselves. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  404: 'route-unknown',
  405: 'method-not-allowed',
  406: 'not-acceptable',
  413: 'message-too-large',
  415: 'media-type-unsupported',
};

/** The project's error for whatever was thrown. */
function knownError(error: FastifyError | AvsacError): AvsacError {
  if (error instanceof AvsacError || error.statusCode === undefined || error.statusCode >= 500) {
    return asAvsacError(error);
  }
  return new AvsacError(CODE_OF_STATUS[error.statusCode] ?? 'request-invalid', error.message, { cause: error });
}

/** Answers a request with what went wrong; what the server itself did wrong goes to its log. */
export function sendProblem(error: FastifyError | AvsacError, request: FastifyRequest, reply: FastifyReply) {
  const known = knownError(error);
  const { code, detail } = known;
  const { message: title, httpStatus: status, retryAfterS } = known.entry;
  if (code === 'internal') request.log.error({ err: error }, known.message);
  if (retryAfterS !== undefined) reply.header('retry-after', retryAfterS);
  // RFC 6750 §3: a request without credentials is told no error code.
  if (code === 'token-missing') reply.header('www-authenticate', 'Bearer realm="avsac-live"');
  if (code === 'token-invalid') reply.header('www-authenticate', 'Bearer realm="avsac-live", error="invalid_token"');
  const problem: Problem = {
    type: `${ERRORS_PATH}/${code}`,
    title,
    status,
    ...(detail === undefined || code === 'internal' ? {} : { detail }),
    code,
  };
  return reply.code(status).type(PROBLEM_MEDIA_TYPE).serializer(JSON.stringify).send(problem);
}

/** A row of the error table, as `type` of a problem leads to it. @throws AvsacError `route-unknown` */
export function problemType(code: string): Problem {
  if (!Object.hasOwn(ERRORS, code)) throw new AvsacError('route-unknown');
  const { message, httpStatus } = ERRORS[code as ErrorCode];
  return { type: `${ERRORS_PATH}/${code}`, title: message, status: httpStatus, code };
}
