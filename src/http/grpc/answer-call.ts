// One call: received, answered by its method, and recorded, whatever happens on the way.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { ApiKeys } from '../../access/api-keys.js';
import { Failure } from '../../foundation/errors.js';
import type { Admission } from '../../serving/admission.js';
import type { Classifier } from '../../serving/classifier.js';
import { failureOf, logFailure } from '../answer-errors.js';
import { bodyHolder } from '../connections/client-name.js';
import { knownClient } from '../plugins/require-api-key.js';
import { requestIdOf } from '../request-id.js';
import { timeoutOf } from './deadline.js';
import type { Method } from './method.js';
import { createReceiver } from './receive-message.js';
import { type RecordOptions, recordCall } from './record-call.js';
import { createSender } from './send-answer.js';
import { OK, statusOf } from './status.js';
import { watchCall } from './watch-call.js';

export interface CallOptions extends RecordOptions {
  /** By their addresses. */
  readonly methods: ReadonlyMap<string, Method>;
  readonly classifier: Pick<Classifier, 'slowdown'>;
  readonly bytesInFlight: Admission;
  readonly maxMessageBytes: number;
  /** Time within which a message must arrive. */
  readonly requestTimeoutSeconds: number;
  /** undefined: no API key is required. */
  readonly apiKeys: ApiKeys | undefined;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/** Answers the calls of HTTP/2 streams. */
export function createCallHandler(options: CallOptions) {
  return function handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => {}); // of a client that is gone; 'close' follows
    const refused = httpStatusOf(headers);
    if (refused === undefined) return void answerCall(stream, headers, options);
    stream.respond({ ':status': refused }, { endStream: true });
    stream.resume();
  };
}

/** Of a request that is no call of gRPC. */
function httpStatusOf(headers: IncomingHttpHeaders): number | undefined {
  if (headers[':method'] !== 'POST') return 405;
  const isGrpc = /^application\/grpc(\+proto)?($|;)/.test(headers['content-type'] ?? '');
  return isGrpc ? undefined : 415;
}

async function answerCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: CallOptions,
): Promise<void> {
  const { apiKeys, closing, metrics } = options;
  const method = options.methods.get(headers[':path'] ?? '');
  const requestId = requestIdOf({ headers });
  const record = recordCall(stream, { headers, method, requestId }, options);
  const watch = watchCall(stream);
  const sender = createSender(stream, requestId, record);
  const refused = (error: unknown): Failure => {
    const failure = watch.failure() ?? failureOf(error);
    logFailure(failure, record.log);
    metrics.rejections.inc({ reason: failure.type });
    return failure;
  };
  let stop = (): void => {};
  try {
    if (!method)
      throw new Failure('not-found', `There is no method ${headers[':path']?.slice(0, 128)} here.`);
    if (apiKeys && !method.isProbe) record.client = knownClient(headers, apiKeys);
    const { client } = record;
    if (method.isCharged && client?.hasBudget() === false) throw await client.refuse();
    const address = stream.session?.socket.remoteAddress;
    const holder = bodyHolder(options.classifier, client, address);
    watch.endAfter(timeoutOf(headers['grpc-timeout']), deadlinePassed);
    const receiver = createReceiver(stream, {
      encoding: headers['grpc-encoding'],
      maxBytes: options.maxMessageBytes,
      timeoutSeconds: options.requestTimeoutSeconds,
      admit: (bytes) => options.bytesInFlight.enter(bytes, holder),
      signal: watch.signal,
    });
    if (method.isStream) {
      stop = receiver.stop;
      closing.addEventListener('abort', stop);
      if (closing.aborted) stop();
    }
    const last = await method.answer({
      client,
      address,
      signal: watch.signal,
      timeline: () => record.trace?.image(),
      traceMessage: record.traceMessage,
      receiver,
      closing,
      send: sender.send,
      failureOf: refused,
    });
    watch.throwIfEnded();
    sender.end(OK, last);
  } catch (error) {
    // Clients leave streams when they like.
    const hasLeft = method?.isStream && watch.failure()?.type === 'client-gone';
    if (!hasLeft) sender.end(statusOf(refused(error)));
  } finally {
    watch.close();
    closing.removeEventListener('abort', stop);
  }
}

const deadlinePassed = () =>
  new Failure('deadline-exceeded', 'The deadline of the call passed before its answer.');
