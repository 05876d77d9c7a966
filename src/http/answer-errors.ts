// Answers every error of a request with a problem document, whether it comes from a handler, the validator, a body
// parser or the router. connections/parser-refusals.ts answers what Node's HTTP parser refuses.
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Failure, type FailureType } from '../foundation/errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import { unsupportedMediaType } from './bodies/unsupported-media-type.js';
import { lingerOnClose } from './connections/linger-on-close.js';
import type { ParserRefusals } from './connections/parser-refusals.js';
import { isOfProtocol, MEDIA_TYPE, PROTOCOL_MEDIA_TYPE, problemOf, withError } from './problems.js';

/** Failures for the error codes of Fastify and Node. */
const frameworkFailures: Record<string, FailureType> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-body',
  FST_ERR_BAD_URL: 'malformed-request',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
  ECONNRESET: 'client-gone',
  ECONNABORTED: 'client-gone',
};

/** The failure for any thrown value. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { validation, validationContext, code, statusCode = 500, message } = error as FastifyError;
  if (validation) {
    const inQuery = validationContext !== 'body';
    const unknown = validation.find(({ keyword }) => keyword === 'additionalProperties');
    const detail = unknown
      ? `${String(unknown.params['additionalProperty'])} is unknown here.`
      : `${message}.`;
    return new Failure(inQuery ? 'invalid-query' : 'invalid-body', detail);
  }
  const type = frameworkFailures[code] ?? (statusCode < 500 ? 'malformed-request' : undefined);
  if (type) return new Failure(type, `${message.replace(/\.$/, '')}.`);
  return new Failure(
    'internal-error',
    'An unexpected error occurred; the log has it under this request id.',
    {
      cause: error,
    },
  );
}

/** Logs bugs of this program as errors; causes of other failures, such as a library's message, at debug level. */
export function logFailure(failure: Failure, log: Pick<FastifyBaseLogger, 'error' | 'debug'>): void {
  if (failure.type === 'internal-error') log.error({ err: failure.cause ?? failure }, 'internal error');
  else if (failure.cause) log.debug({ err: failure.cause }, failure.type);
}

/**
 * The error handler of the app: logs the error, counts the problem and answers with it.
 * @param lingerMilliseconds as for `lingerOnClose`
 */
export function createErrorHandler(metrics: Metrics, refusals: ParserRefusals, lingerMilliseconds: number) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const isForeignType = (error as FastifyError).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE';
    const failure = isForeignType ? unsupportedMediaType(request) : failureOf(error);
    // This server closed the connection, not the client. The request was answered and counted when it was refused.
    if (failure.type === 'client-gone' && refusals.of(request.raw.socket)) return;
    logFailure(failure, request.log);
    metrics.rejections.inc({ reason: failure.type });
    // Fastify closes the connection after a body that it cannot parse. A client that is cut off while it sends may
    // never read the answer. So the header is removed, and the rest of the body is received and dropped. A header on
    // the raw response stays: orderly-close.ts sets it when the app closes.
    // Of a connection that closes anyway it stays too: nginx would keep it otherwise, and answer 502 to its next request.
    const { raw } = reply;
    if (reply.getHeader('connection') && !raw.hasHeader('connection') && raw.shouldKeepAlive) {
      reply.removeHeader('connection');
    }
    request.raw.resume();
    if (!request.raw.complete) lingerOnClose(request.raw, lingerMilliseconds);
    reply.header('x-request-id', request.id);
    sendProblem(reply, failure, request.id);
  };
}

export function notFound(request: FastifyRequest): Failure {
  const [path = ''] = request.url.split('?', 1);
  const plain = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  const advice = plain === path ? '' : ` No address here has empty parts: ask for ${plain}.`;
  return new Failure('not-found', `${request.method} ${path} does not exist.${advice}`);
}

function sendProblem(reply: FastifyReply, failure: Failure, requestId: string): void {
  if (failure.retryAfterSeconds !== undefined) reply.header('retry-after', failure.retryAfterSeconds);
  reply.code(failure.status);
  const problem = problemOf(failure, requestId);
  if (!isOfProtocol(reply.request.url)) return void reply.type(MEDIA_TYPE).send(problem);
  // As bytes: Fastify would add the charset to the content type.
  const document = Buffer.from(JSON.stringify(withError(problem)));
  reply.type(PROTOCOL_MEDIA_TYPE).send(document);
}
