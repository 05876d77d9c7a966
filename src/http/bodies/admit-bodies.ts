// The first admission control: limits the bytes of request bodies, by their announced length before they are read, or
// as they arrive if no length is announced. The second one (serving/classifier.ts) limits images, which can be counted
// only after the body is read.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Admission } from '../../serving/admission.js';
import type { Classifier } from '../../serving/classifier.js';
import { bodyHolder } from '../connections/client-name.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Gives back the admitted bytes of the body; undefined: none are admitted. */
    leaveBytes: (() => void) | undefined;
    /** Admits further bytes of a body whose length was not announced. @throws Failure `saturated` */
    admitMoreBytes(bytes: number): void;
  }
}

/** Applies to routes that are registered after it and have their own body limit. */
export const admitBodies = fp<{ admission: Admission; classifier: Classifier }>(
  async (app, { admission, classifier }) => {
    app.decorateRequest('leaveBytes', undefined);
    app.decorateRequest('admitMoreBytes', function (bytes) {
      const leaveEarlier = this.leaveBytes;
      if (!leaveEarlier) return; // a route with the small limit
      const leaveMore = admission.enter(bytes, holderOf(this));
      this.leaveBytes = () => {
        leaveEarlier();
        leaveMore();
      };
    });

    app.addHook('onRoute', (route) => {
      const { bodyLimit, onRequest = [], onSend = [], onError = [] } = route;
      if (bodyLimit === undefined) return;
      route.onRequest = [onRequest].flat().concat((request, _reply, done) => {
        request.leaveBytes = admission.enter(bytesToRead(request.headers, bodyLimit), holderOf(request));
        done();
      });
      // At least one of these two hooks runs for every request, also for a disconnected client. The handler is done by
      // then. The bytes are not held longer, because a client that does not read the answer could hold them for ever.
      route.onSend = [onSend].flat().concat((request, _reply, _payload, done) => {
        giveBack(request);
        done();
      });
      route.onError = [onError].flat().concat((request, _reply, _error, done) => {
        giveBack(request);
        done();
      });
    });

    function holderOf({ client, socket }: FastifyRequest): object | undefined {
      return bodyHolder(classifier, client, socket.remoteAddress);
    }

    function giveBack(request: FastifyRequest): void {
      request.body = undefined;
      request.leaveBytes?.();
      request.leaveBytes = undefined;
    }
  },
  { name: 'admit-bodies' },
);

/** Bytes of the body that will be in memory, as far as they are known before it arrives. */
function bytesToRead(headers: IncomingHttpHeaders, bodyLimit: number): number {
  const announced = Number(headers['content-length']);
  if (Number.isNaN(announced)) return 0; // chunked transfer: collect-body.ts admits what arrives
  // Too large: answered with 413, and not kept in memory.
  return announced > bodyLimit ? 0 : announced;
}
