// The end of every request, noticed once: into the log, the metrics and the trace. (Fastify's onResponse knows only of
// answers that were sent to their end, not of requests whose client has left.)
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { failures } from '../errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ParserRefusals } from './problems.js';

/** To be registered before whatever may refuse a request. */
export const requestEnded = fp<{ metrics: Metrics; refusals: ParserRefusals }>(
  async (app, { metrics, refusals }) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.raw.once('close', () => noteEnd(request, reply));
      done();
    });

    function noteEnd(request: FastifyRequest, reply: FastifyReply): void {
      const { method, routeOptions, client, log, trace } = request;
      const { url: route } = routeOptions;
      const { status: cutOff } = refusals.get(request.raw.socket) ?? failures['client-gone'];
      const status = reply.raw.writableFinished ? reply.statusCode : cutOff;
      const milliseconds = Math.round(reply.elapsedTime * 1000) / 1000;
      log.info({ method, route, status, milliseconds, client }, 'request');
      metrics.httpSeconds.observe({ method, route: route ?? 'unmatched', status }, reply.elapsedTime / 1000);
      trace?.end(status);
    }
  },
  { name: 'request-ended' },
);
