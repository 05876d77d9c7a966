// The errors of this program. One table lists every failure that a client can receive, with its stable type, HTTP
// status and title. http/problems.ts turns them into RFC 9457 documents; docs/errors.md explains each one.

export const failures = {
  'malformed-request': { status: 400, title: 'This is not a well-formed HTTP request' },
  'invalid-query': { status: 400, title: 'A query parameter is not acceptable' },
  'invalid-body': { status: 400, title: 'The request body is not acceptable' },
  unauthorized: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'This server does not let clients do that' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'unknown-model': { status: 404, title: 'No such model is served' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'headers-too-large': { status: 431, title: 'The request headers are too large' },
  'unsupported-media-type': { status: 415, title: 'This address does not take that content type' },
  'expectation-failed': { status: 417, title: 'This expectation cannot be met' },
  'undecodable-image': { status: 422, title: 'The image cannot be decoded' },
  'image-too-large': { status: 422, title: 'The image has too many pixels' },
  'budget-exceeded': { status: 429, title: 'This client has used up its budget' },
  'client-gone': { status: 499, title: 'The client closed the connection' },
  'internal-error': { status: 500, title: 'A fault in this program' },
  saturated: { status: 503, title: 'All waiting places are taken' },
  'worker-lost': { status: 503, title: 'Inference workers died' },
  'shutting-down': { status: 503, title: 'The server is shutting down' },
  'deadline-exceeded': { status: 504, title: 'The deadline passed before any exit was reached' },
} as const satisfies Record<string, { status: number; title: string }>;

export type FailureType = keyof typeof failures;

/** An expected failure. Any other error is a bug in this program and is answered as `internal-error`. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly type: FailureType;
  /** Seconds after which the client may retry; sent as `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    type: FailureType,
    detail: string,
    options: ErrorOptions & { retryAfterSeconds?: number } = {},
  ) {
    super(detail, options);
    this.type = type;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return failures[this.type].status;
  }

  get title(): string {
    return failures[this.type].title;
  }
}

/** A model package that cannot be served; the message is one sentence that names the cause. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
  /** true: the cause is not the package itself; a retry may succeed. */
  readonly isPassing: boolean;

  constructor(message: string, options: ErrorOptions & { isPassing?: boolean } = {}) {
    super(message, options);
    this.isPassing = options.isPassing ?? false;
  }
}

/** A user's mistake in flags, environment or arguments; the message says what to change. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Asserts an invariant; if it does not hold, this program has a bug. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`${message}. This is a bug in rdi-serve.`);
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
