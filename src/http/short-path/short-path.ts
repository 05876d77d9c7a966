// The short path of the routes that classify one request's images. For a small network, Fastify's hooks, parsers and
// serialisers take longer than the classification itself, so ordinary requests are read and answered on Node's own
// objects. This path answers only with predictions, and refuses clients that are over their budget: of these requests
// there may be many. If anything else about a request is unusual, or if it fails, Fastify answers it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { ApiKeys } from '../../access/api-keys.js';
import type { Client } from '../../access/client.js';
import type { Admission } from '../../serving/admission.js';
import type { Classifier } from '../../serving/classifier.js';
import { holderOf } from '../../serving/slowdown/slow-lane.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { collectBody } from '../bodies/collect-body.js';
import { callerOf } from '../connections/client-name.js';
import { clientSignal } from '../connections/client-signal.js';
import { lingerOnClose } from '../connections/linger-on-close.js';
import type { RetryPace } from '../connections/pace-retries.js';
import type { ParserRefusals } from '../connections/parser-refusals.js';
import type { NoteEnd } from '../connections/request-ended.js';
import { rateLimitHeaders } from '../plugins/enforce-budgets.js';
import { ownerOf } from '../plugins/require-api-key.js';
import { SECURITY_HEADERS } from '../plugins/security-headers.js';
import { problemAnswer } from '../problems.js';
import type { Asker, ShortOperation, ShortRoute } from './short-route.js';

/** A request that the short path could not answer. */
export interface HandedOver {
  readonly requestId: string;
  /** The error that the request must be answered with. */
  readonly error: Error;
  /** Time on the short path. */
  readonly milliseconds: number;
}

export interface ShortPath {
  /** @returns false: the request is not an ordinary one, and is untouched */
  take(request: IncomingMessage, response: ServerResponse): boolean;
  /** undefined: the request was not handed over. */
  handedOver(request: IncomingMessage): HandedOver | undefined;
}

export interface ShortPathOptions {
  readonly routes: readonly ShortRoute[];
  readonly classifier: Classifier;
  /** Whether answers may tell what is left of a budget: it falls by the FLOPs of each, which show its exit. */
  readonly tellsBudgets: boolean;
  readonly bytesInFlight: Admission;
  readonly requestIdOf: (request: IncomingMessage) => string;
  /** undefined: no API key is required. */
  readonly apiKeys?: ApiKeys | undefined;
  readonly isDraining: () => boolean;
  readonly refusals: ParserRefusals;
  readonly noteEnd: NoteEnd;
  readonly retryPace: RetryPace;
  /** As for `lingerOnClose`. */
  readonly lingerMilliseconds: number;
  readonly metrics: Pick<Metrics, 'rejections'>;
  readonly logger: Logger;
  /** Handles a request that is handed over. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Headers that change how a request is read or answered. */
const unusualHeaders = ['transfer-encoding', 'content-encoding', 'expect', 'origin', 'upgrade'];
const MOST_ADDRESSES_KEPT = 100;

export function createShortPath(options: ShortPathOptions): ShortPath {
  const { classifier, bytesInFlight } = options;
  const handedOver = new WeakMap<IncomingMessage, HandedOver>();
  const find = createLookup(options.routes);

  function take(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url = '', headers } = request;
    if (method !== 'POST' || options.isDraining()) return false;
    const operation = find(url);
    if (!operation?.contentTypes.has(headers['content-type'] ?? '')) return false;
    if (headers.host === undefined || unusualHeaders.some((name) => headers[name] !== undefined))
      return false;
    const client = options.apiKeys && ownerOf(headers, options.apiKeys);
    if (options.apiKeys && !client) return false;
    const bytes = Number(headers['content-length']);
    if (!(bytes > 0 && bytes <= operation.bodyLimit)) return false;
    if (client && !client.hasBudget()) {
      void refuse(request, response, operation, client);
      return true;
    }
    const caller = callerOf(classifier, client, request.socket.remoteAddress);
    if (!bytesInFlight.hasRoom(bytes, holderOf(client, caller))) return false;
    if (!classifier.hasRoom(client, caller)) return false;
    void answer(request, response, operation, bytes, { client, caller });
    return true;
  }

  /** @returns what is known of the request, whose end will be recorded unless it is handed over */
  function begin(
    request: IncomingMessage,
    response: ServerResponse,
    { route }: ShortOperation,
    client: Client | undefined,
  ) {
    const started = performance.now();
    const requestId = options.requestIdOf(request);
    options.refusals.note({ raw: request, id: requestId });
    const begun = { requestId, isHandedOver: false, milliseconds: () => performance.now() - started };
    response.once('close', () => {
      if (begun.isHandedOver) return;
      const ended = { requestId, method: 'POST', route, client: client?.name };
      options.noteEnd(response, { ...ended, milliseconds: begun.milliseconds() }, options.logger);
    });
    return begun;
  }

  /** Nothing is left of the client's budget. */
  async function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    operation: ShortOperation,
    client: Client,
  ): Promise<void> {
    const { requestId } = begin(request, response, operation, client);
    request.resume();
    const failure = await client.refuse();
    options.metrics.rejections.inc({ reason: failure.type });
    options.retryPace.refused(request, response);
    if (!request.complete) lingerOnClose(request, options.lingerMilliseconds);
    const { status, headers, body } = problemAnswer(failure, requestId, request.url);
    response.writeHead(status, { ...headers, ...budgetHeadersFor(client) });
    response.end(body);
  }

  function budgetHeadersFor(client: Client | undefined): Record<string, string> {
    return options.tellsBudgets ? rateLimitHeaders(client) : {};
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    operation: ShortOperation,
    bytes: number,
    asker: Asker,
  ): Promise<void> {
    const { client, caller } = asker;
    const begun = begin(request, response, operation, client);
    const { requestId } = begun;
    const leaveBytes = bytesInFlight.enter(bytes, holderOf(client, caller));
    try {
      operation.check?.(asker);
      const signal = clientSignal(response);
      const received = await collectBody({ raw: request, routeOptions: operation });
      const { headers, body } = await operation.answer(request, received, asker, signal);
      response.writeHead(200, {
        ...SECURITY_HEADERS,
        'x-request-id': requestId,
        ...budgetHeadersFor(client),
        ...headers,
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
      leaveBytes();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      leaveBytes();
      begun.isHandedOver = true;
      handedOver.set(request, { requestId, error, milliseconds: begun.milliseconds() });
      options.handler(request, response);
    }
  }

  return { take, handedOver: (request) => handedOver.get(request) };
}

/** @returns a function from the address to what it asks for; undefined: no route takes it */
function createLookup(routes: readonly ShortRoute[]) {
  const known = new Map<string, ShortOperation>();
  return (url: string): ShortOperation | undefined => {
    const kept = known.get(url);
    if (kept) return kept;
    for (const route of routes) {
      const operation = route(url);
      if (!operation) continue;
      if (known.size === MOST_ADDRESSES_KEPT) known.clear();
      known.set(url, operation);
      return operation;
    }
    return undefined;
  };
}
