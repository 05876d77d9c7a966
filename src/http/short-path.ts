// The short path of POST /classify. For a small network, Fastify's hooks, parsers and serialisers take longer than the
// classification itself, so ordinary requests are read and answered on Node's own objects. This path answers only with
// predictions, and refuses clients that are over their budget: of these requests there may be many. If anything else
// about a request is unusual, or if it fails, Fastify answers it, by routes/classify.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'node:querystring';
import type { Logger } from 'pino';
import type { ApiKeys } from '../access/api-keys.js';
import type { Client } from '../access/client.js';
import type { Admission } from '../serving/admission.js';
import type { Classifier } from '../serving/classifier.js';
import { createPlan } from '../serving/plan.js';
import type { Prediction } from '../serving/prediction.js';
import { holderOf } from '../serving/slowdown/slow-lane.js';
import type { Caller } from '../serving/slowdown/slowdown-watch.js';
import type { Metrics } from '../telemetry/metrics.js';
import { collectBody } from './bodies/collect-body.js';
import { callerOf } from './connections/client-name.js';
import { clientSignal } from './connections/client-signal.js';
import { lingerOnClose } from './connections/linger-on-close.js';
import type { RetryPace } from './connections/pace-retries.js';
import type { ParserRefusals } from './connections/parser-refusals.js';
import type { NoteEnd } from './connections/request-ended.js';
import { rateLimitHeaders } from './plugins/enforce-budgets.js';
import { ownerOf } from './plugins/require-api-key.js';
import { SECURITY_HEADERS } from './plugins/security-headers.js';
import type { Disclosure } from './privacy/disclosure.js';
import { problemAnswer } from './problems.js';
import { type ClassifyQuery, contentTypes, JSON_TYPE, mediaTypeOf, queryOf } from './routes/classify.js';
import { createQueryCheck } from './validation.js';

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
  readonly classifier: Classifier;
  readonly disclosure: Disclosure;
  readonly bytesInFlight: Admission;
  readonly maxImageBytes: number;
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

/** Who sends a request. */
interface Asker {
  /** The owner of the API key; undefined: none is required. */
  readonly client: Client | undefined;
  /** undefined: clients are not tested for slowdown inputs. */
  readonly caller: Caller | undefined;
}

const ROUTE = '/classify';
/** Headers that change how a request is read or answered. */
const unusualHeaders = ['transfer-encoding', 'content-encoding', 'expect', 'origin', 'upgrade'];
const ordinaryTypes = new Set(contentTypes);
const MOST_QUERIES_KEPT = 100;

export function createShortPath(options: ShortPathOptions): ShortPath {
  const { classifier, disclosure, bytesInFlight, maxImageBytes } = options;
  const handedOver = new WeakMap<IncomingMessage, HandedOver>();
  const readQuery = createQueryReader(queryOf(disclosure));

  function take(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url = '', headers } = request;
    if (method !== 'POST' || !url.startsWith(ROUTE) || options.isDraining()) return false;
    if (headers.host === undefined || !ordinaryTypes.has(headers['content-type'] ?? '')) return false;
    if (unusualHeaders.some((name) => headers[name] !== undefined)) return false;
    const query = readQuery(url);
    const client = options.apiKeys && ownerOf(headers, options.apiKeys);
    if (!query || (options.apiKeys && !client)) return false;
    const bytes = Number(headers['content-length']);
    if (!(bytes > 0 && bytes <= maxImageBytes)) return false;
    if (client && !client.hasBudget()) {
      void refuse(request, response, client);
      return true;
    }
    const caller = callerOf(classifier, client, request.socket.remoteAddress);
    if (!bytesInFlight.hasRoom(bytes, holderOf(client, caller))) return false;
    if (!classifier.hasRoom(client, caller)) return false;
    void answer(request, response, query, bytes, { client, caller });
    return true;
  }

  /** @returns what is known of the request, whose end will be recorded unless it is handed over */
  function begin(request: IncomingMessage, response: ServerResponse, client: Client | undefined) {
    const started = performance.now();
    const requestId = options.requestIdOf(request);
    options.refusals.note({ raw: request, id: requestId });
    const begun = { requestId, isHandedOver: false, milliseconds: () => performance.now() - started };
    response.once('close', () => {
      if (begun.isHandedOver) return;
      const ended = { requestId, method: 'POST', route: ROUTE, client: client?.name };
      options.noteEnd(response, { ...ended, milliseconds: begun.milliseconds() }, options.logger);
    });
    return begun;
  }

  /** Nothing is left of the client's budget. */
  async function refuse(request: IncomingMessage, response: ServerResponse, client: Client): Promise<void> {
    const { requestId } = begin(request, response, client);
    request.resume();
    const failure = await client.refuse();
    options.metrics.rejections.inc({ reason: failure.type });
    options.retryPace.refused(request, response);
    if (!request.complete) lingerOnClose(request, options.lingerMilliseconds);
    const { status, headers, body } = problemAnswer(failure, requestId);
    response.writeHead(status, { ...headers, ...budgetHeadersFor(client) });
    response.end(body);
  }

  /** What is left falls by the FLOPs of each answer, which show its exit. */
  function budgetHeadersFor(client: Client | undefined): Record<string, string> {
    return disclosure.mode === 'strict' ? {} : rateLimitHeaders(client);
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    query: ClassifyQuery,
    bytes: number,
    asker: Asker,
  ): Promise<void> {
    const { client, caller } = asker;
    const begun = begin(request, response, client);
    const { requestId } = begun;
    const leaveBytes = bytesInFlight.enter(bytes, holderOf(client, caller));
    try {
      const { prediction, classes } = await classify(request, response, query, asker);
      const told = disclosure.of(prediction);
      const text = disclosure.text(told, [told], classes);
      response.writeHead(200, {
        ...SECURITY_HEADERS,
        'x-request-id': requestId,
        ...budgetHeadersFor(client),
        ...disclosure.headers(prediction),
        'content-type': JSON_TYPE,
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
      leaveBytes();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      leaveBytes();
      begun.isHandedOver = true;
      handedOver.set(request, { requestId, error, milliseconds: begun.milliseconds() });
      options.handler(request, response);
    }
  }

  async function classify(
    request: IncomingMessage,
    response: ServerResponse,
    query: ClassifyQuery,
    { client, caller }: Asker,
  ): Promise<{ readonly prediction: Prediction; readonly classes: readonly string[] }> {
    const planNow = () => createPlan(classifier.catalog.find(query.model, query.version), query, caller);
    planNow(); // refuses a query before the body is read
    const signal = clientSignal(response);
    const bytes = await collectBody({ raw: request, routeOptions: { bodyLimit: maxImageBytes } });
    const plan = planNow(); // the models may have changed since
    const admitted = classifier.admit(1, client, caller);
    try {
      const mediaType = mediaTypeOf(request.headers['content-type']);
      const prediction = await admitted.classify({ bytes, mediaType }, plan, signal);
      return { prediction, classes: plan.model.manifest.classes };
    } finally {
      admitted.leave();
    }
  }

  return { take, handedOver: (request) => handedOver.get(request) };
}

/** @returns a function from the address to the validated query; undefined: another route, or a query that is not valid */
function createQueryReader(schema: typeof ClassifyQuery) {
  const isValid = createQueryCheck(schema);
  const known = new Map<string, ClassifyQuery>();
  return (url: string): ClassifyQuery | undefined => {
    const kept = known.get(url);
    if (kept) return kept;
    if (url !== ROUTE && !url.startsWith(`${ROUTE}?`)) return undefined;
    const values = { ...parse(url.slice(ROUTE.length + 1)) };
    if (!isValid(values)) return undefined;
    if (known.size === MOST_QUERIES_KEPT) known.clear();
    known.set(url, values);
    return values;
  };
}
