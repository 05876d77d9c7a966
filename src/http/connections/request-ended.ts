// Records the end of every request once, in the log, the metrics and the trace. (Fastify's onResponse is called only
// for answers that were sent completely, not if the client has disconnected.)
import type { FastifyReply, FastifyRequest } from 'fastify';
import { failures } from '../../foundation/errors.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { ParserRefusals } from './parser-refusals.js';

/** @returns a function to call for every request, before any hook can refuse it */
export function createEndWatch(metrics: Metrics, refusals: ParserRefusals) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    refusals.note(request);
    reply.raw.once('close', () => noteEnd(request, reply));
  };

  function noteEnd(request: FastifyRequest, reply: FastifyReply): void {
    const { method, routeOptions, client, log, trace } = request;
    const { url: route } = routeOptions;
    const { status: cutOff } = refusals.of(request.raw.socket) ?? failures['client-gone'];
    const status = reply.raw.writableFinished ? reply.statusCode : cutOff;
    const milliseconds = Math.round(reply.elapsedTime * 1000) / 1000;
    log.info({ method, route, status, milliseconds, client }, 'request');
    metrics.httpSeconds.observe({ method, route: route ?? 'unmatched', status }, reply.elapsedTime / 1000);
    trace?.end(status);
  }
}
