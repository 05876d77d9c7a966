// One call: received, answered by its method, and recorded, whatever happens on the way.
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
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
import { PREFIX_BYTES, receiveMessage } from './receive-message.js';
import { type CallRecord, type RecordOptions, recordCall } from './record-call.js';
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
  const { maxMessageBytes: maxBytes, apiKeys } = options;
  const method = options.methods.get(headers[':path'] ?? '');
  const requestId = requestIdOf({ headers });
  const record = recordCall(stream, { headers, method, requestId }, options);
  const watch = watchCall(stream);
  const leaves: (() => void)[] = [];
  try {
    if (!method)
      throw new Failure('not-found', `There is no method ${headers[':path']?.slice(0, 128)} here.`);
    if (apiKeys && !method.isProbe) record.client = knownClient(headers, apiKeys);
    const { client } = record;
    if (method.isCharged && client?.hasBudget() === false) throw await client.refuse();
    const address = stream.session?.socket.remoteAddress;
    const holder = bodyHolder(options.classifier, client, address);
    const admit = (bytes: number) => leaves.push(options.bytesInFlight.enter(bytes, holder));
    watch.endAfter(timeoutOf(headers['grpc-timeout']), deadlinePassed);
    const stopWaiting = watch.endAfter(options.requestTimeoutSeconds * 1000, messageTimeout);
    const message = await receiveMessage(stream, headers['grpc-encoding'], { maxBytes, admit }, watch.signal);
    stopWaiting();
    const timeline = () => record.trace?.image();
    const answer = await method.answer(message, { client, address, signal: watch.signal, timeline });
    watch.throwIfEnded();
    sendMessage(stream, answer, requestId, record);
  } catch (error) {
    const failure = watch.failure() ?? failureOf(error);
    logFailure(failure, record.log);
    options.metrics.rejections.inc({ reason: failure.type });
    sendFailure(stream, failure, requestId, record);
  } finally {
    watch.close();
    for (const leave of leaves) leave();
  }
}

const deadlinePassed = () =>
  new Failure('deadline-exceeded', 'The deadline of the call passed before its answer.');
const messageTimeout = () =>
  new Failure('request-timeout', 'The message of the call did not arrive in time.');

function responseHeaders(requestId: string): OutgoingHttpHeaders {
  return {
    ':status': 200,
    'content-type': 'application/grpc',
    'x-request-id': requestId,
  };
}

function sendMessage(
  stream: ServerHttp2Stream,
  message: Uint8Array,
  requestId: string,
  record: CallRecord,
): void {
  record.status = OK.code;
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0; // not compressed
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  stream.respond(responseHeaders(requestId), { waitForTrailers: true });
  stream.once('wantTrailers', () => {
    stream.sendTrailers(OK.metadata);
    record.isSent = true;
  });
  stream.end(framed);
}

function sendFailure(
  stream: ServerHttp2Stream,
  failure: Failure,
  requestId: string,
  record: CallRecord,
): void {
  const { code, metadata } = statusOf(failure);
  record.status = code;
  if (stream.closed || stream.destroyed) return;
  record.isSent = true;
  stream.respond({ ...responseHeaders(requestId), ...metadata }, { endStream: true });
  if (stream.readableEnded) return;
  // The client shall send no more of its message. What is on its way is dropped; unread, it would keep the stream open.
  stream.resume();
  stream.close(constants.NGHTTP2_NO_ERROR);
}
