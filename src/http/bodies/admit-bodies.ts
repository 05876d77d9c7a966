// The first door: a large body is let in before it is read, by the bytes that its request's head announces. The second,
// by images (serving/admission), can count them only when the body is there.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { createAdmission } from '../../serving/admission.js';
import type { Metrics } from '../../telemetry/metrics.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Gives back the bytes of its body; undefined: it holds none. */
    leaveBytes: (() => void) | undefined;
  }
}

/** For the routes that are registered after it and have a body limit of their own. */
export const admitBodies = fp<{ maxBytesInFlight: number; metrics: Metrics }>(
  async (app, { maxBytesInFlight, metrics }) => {
    const admission = createAdmission(
      maxBytesInFlight,
      `There is no room for this body: others take most of the ${maxBytesInFlight} bytes that there are for all.`,
    );
    metrics.inFlightBytesLimit.set(maxBytesInFlight);
    app.decorateRequest('leaveBytes', undefined);

    app.addHook('onRoute', (route) => {
      const { bodyLimit, onRequest = [], onSend = [], onError = [] } = route;
      if (bodyLimit === undefined) return;
      route.onRequest = [onRequest].flat().concat((request, _reply, done) => {
        request.leaveBytes = admission.enter(bytesToRead(request.headers, bodyLimit));
        metrics.inFlightBytes.set(admission.inside());
        done();
      });
      // Every request ends in one of these or both, also that of a client who left: the handler is done by then.
      // Later would be too late: whoever does not read the answer could keep the bytes for ever.
      route.onSend = [onSend].flat().concat((request, _reply, _payload, done) => {
        giveBack(request);
        done();
      });
      route.onError = [onError].flat().concat((request, _reply, _error, done) => {
        giveBack(request);
        done();
      });
    });

    function giveBack(request: FastifyRequest): void {
      request.body = undefined;
      request.leaveBytes?.();
      request.leaveBytes = undefined;
      metrics.inFlightBytes.set(admission.inside());
    }
  },
  { name: 'admit-bodies' },
);

/** Most bytes of the body that may be in memory at once. */
function bytesToRead(headers: IncomingHttpHeaders, bodyLimit: number): number {
  const announced = Number(headers['content-length']);
  // In chunks: it may become the largest of all.
  if (Number.isNaN(announced)) return bodyLimit;
  // Too large: answered 413 without being read.
  return announced > bodyLimit ? 0 : announced;
}
