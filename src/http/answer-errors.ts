// Answers whatever a request threw with a problem document, whoever noticed it: a handler, the validator, a body parser or
// the router. What Node's HTTP parser refuses is answered by connections/parser-refusals.ts.
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Failure, type FailureType } from '../foundation/errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ParserRefusals } from './connections/parser-refusals.js';
import { MEDIA_TYPE, problemOf } from './problems.js';

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
