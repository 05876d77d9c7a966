// Problem documents (RFC 9457): the format of every failure. answer-errors.ts sends them for requests,
// connections/parser-refusals.ts for input that is not a valid request.
import Type from 'typebox';
import { type Failure, type FailureType, failures } from '../foundation/errors.js';
import { ref } from '../foundation/schema-ref.js';
import { budgetHeaders } from './plugins/enforce-budgets.js';
import { SECURITY_HEADERS } from './plugins/security-headers.js';

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
    error: Type.Optional(
      Type.String({
        description:
          'Under /v2, the detail once more: where clients of the Open Inference Protocol look for it.',
      }),
    ),
  },
  { $id: 'Problem', description: 'A problem document (RFC 9457).' },
);
export type Problem = Type.Static<typeof Problem>;

export const MEDIA_TYPE = 'application/problem+json';
/** Under /v2: clients of the Open Inference Protocol show a failure's text only if it has exactly this type. */
export const PROTOCOL_MEDIA_TYPE = 'application/json';

const retryAfter = {
  'retry-after': {
    type: 'integer',
    format: 'int64',
    description: 'Seconds after which trying again is sensible, if it is.',
  },
};

/** The header fields that an answer with this status may have. */
function headersOf(status: number): object | undefined {
  if (status === 429) return { ...retryAfter, ...budgetHeaders };
  return status === 503 ? retryAfter : undefined;
}

/** Response schemas of the given failures, by status. */
export function problemResponses(...types: FailureType[]) {
  return responsesOf(MEDIA_TYPE, types);
}

/** The same for routes of the Open Inference Protocol. */
export function protocolProblemResponses(...types: FailureType[]) {
  return responsesOf(PROTOCOL_MEDIA_TYPE, types);
}

function responsesOf(mediaType: string, types: readonly FailureType[]) {
  const responses: Record<number, { description: string; headers?: object; content: object }> = {};
  for (const type of types) {
    const { status, title } = failures[type];
    const same = responses[status];
    const headers = headersOf(status);
    responses[status] = {
      description: same ? `${same.description}; ${title}` : title,
      ...(headers && { headers }),
      content: { [mediaType]: { schema: ref(Problem) } },
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

/** An answer with this failure, for those who do not answer by Fastify. The headers are the same as Fastify's. */
export function problemAnswer(failure: Failure, requestId: string, url = '') {
  const problem = problemOf(failure, requestId);
  const isForProtocol = isOfProtocol(url);
  const body = JSON.stringify(isForProtocol ? withError(problem) : problem);
  const headers: Record<string, string | number> = {
    ...SECURITY_HEADERS,
    'x-request-id': requestId,
    ...(failure.retryAfterSeconds !== undefined && { 'retry-after': failure.retryAfterSeconds }),
    'content-type': isForProtocol ? PROTOCOL_MEDIA_TYPE : `${MEDIA_TYPE}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
  };
  return { status: failure.status, headers, body };
}

/** As clients of the Open Inference Protocol read it. */
export function withError(problem: Problem): Problem {
  return { ...problem, error: problem.detail };
}

/** Whether the problems of this address are read by clients of the Open Inference Protocol. */
export function isOfProtocol(url: string): boolean {
  return /^\/v2(?![^/?])/.test(url);
}
