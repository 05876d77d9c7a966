// Every failure leaves the server as an RFC 9457 problem document, whoever noticed it: a handler, the validator,
// a body parser, the router; or Node's HTTP parser, see parser-refusals.ts.
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Failure, type FailureType, failures } from '../foundation/errors.js';
import { ref } from '../foundation/schema-ref.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ParserRefusals } from './connections/parser-refusals.js';

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Stable: urn:rdi-serve:problem:<name>. docs/errors.md explains each.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong with this request in particular.' }),
    requestId: Type.Optional(
      Type.String({
        description:
          'As in the header x-request-id and in the log. Not in the problem of one image of a batch.',
      }),
    ),
  },
  { $id: 'Problem', description: 'A problem document (RFC 9457).' },
);
export type Problem = Type.Static<typeof Problem>;

export const MEDIA_TYPE = 'application/problem+json';

const retryAfter = {
  'retry-after': { type: 'integer', description: 'Seconds after which trying again is sensible, if it is.' },
};

/** Response schemas for these failures, by status. */
export function problemResponses(...types: FailureType[]) {
  const responses: Record<number, { description: string; headers?: object; content: object }> = {};
  for (const type of types) {
    const { status, title } = failures[type];
    const same = responses[status];
    responses[status] = {
      description: same ? `${same.description}; ${title}` : title,
      ...(status === 503 && { headers: retryAfter }),
      content: { [MEDIA_TYPE]: { schema: ref(Problem) } },
    };
  }
  return responses;
}

export function problemOf(failure: Failure, requestId?: string): Problem {
  return {
    type: `urn:rdi-serve:problem:${failure.type}`,
    title: failure.title,
    status: failure.status,
    detail: failure.message,
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** What the framework noticed, by its error code. */
const frameworkFailures: Record<string, FailureType> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-body',
  FST_ERR_BAD_URL: 'malformed-request',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
  ECONNRESET: 'client-gone',
  ECONNABORTED: 'client-gone',
};

/** The designed failure behind whatever was thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { validation, validationContext, code, statusCode = 500, message } = error as FastifyError;
  if (validation) {
    const inQuery = validationContext !== 'body';
    const unknown = validation.find(({ keyword }) => keyword === 'additionalProperties');
    const detail = unknown
      ? `${String(unknown.params['additionalProperty'])} is not known here.`
      : `${message}.`;
    return new Failure(inQuery ? 'invalid-query' : 'invalid-body', detail);
  }
  const type = frameworkFailures[code] ?? (statusCode < 500 ? 'malformed-request' : undefined);
  if (type) return new Failure(type, `${message.replace(/\.$/, '')}.`);
  return new Failure('internal-error', 'Something went wrong here; the log has it under this request id.', {
    cause: error,
  });
}

/** Faults of this program always; of others, what a library said of them, for who looks. */
export function logFailure(failure: Failure, log: FastifyBaseLogger): void {
  if (failure.type === 'internal-error') log.error({ err: failure.cause ?? failure }, 'internal error');
  else if (failure.cause) log.debug({ err: failure.cause }, failure.type);
}

/** Answers whatever a request threw; faults of this program are logged, and every problem is counted. */
export function createErrorHandler(metrics: Metrics, refusals: ParserRefusals) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const failure = failureOf(error);
    // This server closed the connection, not the client: the request was answered and counted when it was refused.
    if (failure.type === 'client-gone' && refusals.of(request.raw.socket)) return;
    logFailure(failure, request.log);
    metrics.rejections.inc({ reason: failure.type });
    // Fastify would end the connection after a body that it could not parse (as the app does for all when it closes,
    // on the raw response). Cut off while it still sends, a client may never read the answer; so the rest of the body
    // is received and dropped instead.
    if (reply.getHeader('connection') && !reply.raw.hasHeader('connection')) reply.removeHeader('connection');
    request.raw.resume();
    reply.header('x-request-id', request.id);
    sendProblem(reply, failure, request.id);
  };
}

export function notFound(request: FastifyRequest): Failure {
  const path = request.url.split('?', 1)[0];
  return new Failure('not-found', `${request.method} ${path} leads nowhere.`);
}

function sendProblem(reply: FastifyReply, failure: Failure, requestId: string): void {
  if (failure.retryAfterSeconds !== undefined) reply.header('retry-after', failure.retryAfterSeconds);
  reply.code(failure.status).type(MEDIA_TYPE).send(problemOf(failure, requestId));
}
