// gRPC's status codes, and which of them each failure has. https://grpc.io/docs/guides/status-codes/
import type { OutgoingHttpHeaders } from 'node:http2';
import type { Failure, FailureType } from '../../foundation/errors.js';
import { problemOf } from '../problems.js';

const codes = {
  OK: 0,
  Canceled: 1,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  Unauthenticated: 16,
} as const;

/** As the metrics of most gRPC servers name it. */
export type StatusCode = keyof typeof codes;

/** Unavailable: to be tried again, after `grpc-retry-pushback-ms`. */
const codeOf: Readonly<Record<FailureType, StatusCode>> = {
  'malformed-request': 'InvalidArgument',
  'invalid-query': 'InvalidArgument',
  'invalid-body': 'InvalidArgument',
  unauthorized: 'Unauthenticated',
  forbidden: 'PermissionDenied',
  'not-found': 'Unimplemented',
  'unknown-model': 'NotFound',
  'method-not-allowed': 'Unimplemented',
  'request-timeout': 'DeadlineExceeded',
  'body-too-large': 'ResourceExhausted',
  'headers-too-large': 'ResourceExhausted',
  'unsupported-media-type': 'Unimplemented',
  'expectation-failed': 'InvalidArgument',
  'undecodable-image': 'InvalidArgument',
  'image-too-large': 'InvalidArgument',
  'budget-exceeded': 'ResourceExhausted',
  'client-gone': 'Canceled',
  'internal-error': 'Internal',
  saturated: 'Unavailable',
  'worker-lost': 'Unavailable',
  'shutting-down': 'Unavailable',
  'deadline-exceeded': 'DeadlineExceeded',
};

export interface Status {
  readonly code: StatusCode;
  readonly metadata: OutgoingHttpHeaders;
}

export const OK: Status = { code: 'OK', metadata: { 'grpc-status': codes.OK } };

/** The failure's detail as the message, its problem type, and when to try again. */
export function statusOf(failure: Failure): Status {
  const { type, message, retryAfterSeconds } = failure;
  const code = codeOf[type];
  return {
    code,
    metadata: {
      'grpc-status': codes[code],
      'grpc-message': percentEncoded(message),
      ...(type === 'unsupported-media-type' && { 'grpc-accept-encoding': 'identity,gzip' }),
      'problem-type': problemOf(failure).type,
      ...(retryAfterSeconds !== undefined && { 'grpc-retry-pushback-ms': retryAfterSeconds * 1000 }),
    },
  };
}

/** As the protocol wants it: all but printable ASCII, and %. Spaces at the ends too, which HTTP/2 does not take. */
function percentEncoded(text: string): string {
  return text.replace(/^ +| +$|[^ -$&-~]+/g, (part) =>
    Buffer.from(part)
      .toString('hex')
      .toUpperCase()
      .replace(/../g, (hex) => `%${hex}`),
  );
}
