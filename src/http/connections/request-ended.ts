// Records the end of every request once, in the log, the metrics and the trace. (Fastify's onResponse is called only
// for answers that were sent completely, not if the client has disconnected.)
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { failures } from '../../foundation/errors.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { ParserRefusals } from './parser-refusals.js';

/** What is recorded of a request. */
export interface EndedRequest {
  /** undefined: the log has it already. */
  readonly requestId?: string;
  readonly method: string;
  /** undefined: no route matched. */
  readonly route: string | undefined;
  readonly milliseconds: number;
  /** Name of the client, if it has a key. */
  readonly client: string | undefined;
}

/** Call when the response has emitted 'close'. @returns the status, which is not sent if the client has disconnected */
export type NoteEnd = (
  response: ServerResponse,
  ended: EndedRequest,
  log: Pick<FastifyBaseLogger, 'info'>,
) => number;

/** Asked every few seconds by orchestrators and Prometheus. Successful answers would fill the log of an idle server. */
const PROBED = new Set(['/livez', '/readyz', '/metrics', '/v2/health/live', '/v2/health/ready']);

export function createNoteEnd(
  metrics: Metrics,
  refusals: ParserRefusals,
  { logProbes }: { readonly logProbes: boolean },
): NoteEnd {
  return (response, ended, log) => {
    const { requestId, method, route, client } = ended;
    const { status: cutOff } = refusals.of(response.req.socket) ?? failures['client-gone'];
    const status = response.writableFinished ? response.statusCode : cutOff;
    const milliseconds = Math.round(ended.milliseconds * 1000) / 1000;
    if (logProbes || status >= 400 || !PROBED.has(route ?? '')) {
      log.info({ requestId, method, route, status, milliseconds, client }, 'request');
    }
    metrics.httpSeconds.observe({ method, route: route ?? 'unmatched', status }, ended.milliseconds / 1000);
    return status;
  };
}

/**
 * @param millisecondsBefore time that a request has taken before Fastify got it
 * @returns a function to call for every request, before any hook can refuse it
 */
export function createEndWatch(
  noteEnd: NoteEnd,
  refusals: ParserRefusals,
  millisecondsBefore: (request: IncomingMessage) => number,
) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    refusals.note(request);
    reply.raw.once('close', () => {
      const { method, routeOptions, client, log, trace, raw } = request;
      const milliseconds = millisecondsBefore(raw) + reply.elapsedTime;
      const status = noteEnd(
        reply.raw,
        { method, route: routeOptions.url, milliseconds, client: client?.name },
        log,
      );
      trace?.end(status);
    });
  };
}
