// Records the end of every call once, in the log, the metrics and the trace, as connections/request-ended.ts does for HTTP.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Logger } from 'pino';
import type { Client } from '../../access/client.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { StartedTrace, TracedRequest } from '../plugins/request-trace.js';
import { type MessageTrace, type Method, pathOf } from './method.js';
import type { StatusCode } from './status.js';

export interface RecordOptions {
  readonly logProbes: boolean;
  /** undefined: no tracing. */
  readonly startTrace: ((request: TracedRequest) => StartedTrace) | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface CallRecord {
  readonly log: Logger;
  readonly trace: StartedTrace | undefined;
  /** As in `Exchange`. */
  traceMessage(): MessageTrace | undefined;
  /** The owner of the API key. */
  client: Client | undefined;
  status: StatusCode;
  /** Whether the status was sent; else the client is gone. */
  isSent: boolean;
}

interface RecordedCall {
  readonly headers: IncomingHttpHeaders;
  /** undefined: there is no such method. */
  readonly method: Method | undefined;
  readonly requestId: string;
}

const UNMATCHED = { service: 'unmatched', name: 'unmatched' };
/** Faults of the server, not of the request. */
const SERVER_FAULTS: readonly StatusCode[] = ['Internal', 'Unavailable', 'DeadlineExceeded'];

export function recordCall(
  stream: ServerHttp2Stream,
  { headers, method, requestId }: RecordedCall,
  { startTrace, metrics, logger, logProbes }: RecordOptions,
): CallRecord {
  const started = performance.now();
  const { service, name } = method ?? UNMATCHED;
  const route = pathOf({ service, name });
  const traced = method ? method.traced : 'call';
  const start = () =>
    startTrace?.({
      name: route.slice(1),
      headers,
      attributes: {
        'rpc.system': 'grpc',
        'rpc.service': service,
        'rpc.method': name,
        'rdi.request_id': requestId,
      },
    });
  const trace = traced === 'call' ? start() : undefined;
  const record: CallRecord = {
    log: trace ? logger.child({ requestId, traceId: trace.traceId }) : logger,
    trace,
    traceMessage() {
      const ofMessage = traced === 'messages' ? start() : undefined;
      return ofMessage && { image: ofMessage.image, end: (status) => ofMessage.end(endOf(status)) };
    },
    client: undefined,
    status: 'Canceled',
    isSent: false,
  };
  stream.once('close', () => {
    const code = record.isSent ? record.status : 'Canceled';
    const milliseconds = Math.round((performance.now() - started) * 1000) / 1000;
    if (logProbes || code !== 'OK' || !method?.isProbe) {
      const { log, client } = record;
      const line = { requestId, method: 'POST', route, grpcStatus: code, milliseconds, client: client?.name };
      log.info(line, 'request');
    }
    const labels = { grpc_service: service, grpc_method: name, grpc_code: code };
    metrics.grpcSeconds.observe(labels, milliseconds / 1000);
    trace?.end({ ...endOf(code), counted: { histogram: 'grpc_server_handling_seconds', labels } });
  });
  return record;
}

function endOf(code: StatusCode) {
  return { attributes: { 'rpc.grpc.status_code': code }, isError: SERVER_FAULTS.includes(code) };
}
