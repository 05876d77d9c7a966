// Refuses request heads that Node would refuse itself, without a problem document: no Host, an unknown Expect, CONNECT.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import fp from 'fastify-plugin';
import { Failure } from '../../foundation/errors.js';
import type { ParserRefusals } from './parser-refusals.js';

/** Needs `requireHostHeader: false`. Register before the hooks that read a request's content. */
export const refuseOddHeads = fp<{ refusals: ParserRefusals }>(
  async (app, { refusals }) => {
    const server = app.server as Server;
    server.on('checkExpectation', (request, response) => server.emit('request', request, response));
    server.on('connect', (_request, socket: Socket) => refusals.answer(connectRefused, socket));

    app.addHook('onRequest', ({ headers, raw }, _reply, done) => {
      if (headers.host === undefined && raw.httpVersion === '1.1') {
        return done(new Failure('malformed-request', 'HTTP/1.1 needs the header host.'));
      }
      if (headers.expect !== undefined && !/\b100-continue\b/i.test(headers.expect)) {
        return done(
          new Failure(
            'expectation-failed',
            `The only expectation that is met is 100-continue, not "${headers.expect}".`,
          ),
        );
      }
      done();
    });
  },
  { name: 'refuse-odd-heads' },
);

/** This server is no proxy. */
const connectRefused = Object.assign(new Error('CONNECT'), { code: 'CONNECT' });
