// Receives a request's body and undoes its content coding, within the limit of the route and the bytes for all bodies.
import type { FastifyRequest } from 'fastify';
import { Failure } from '../../foundation/errors.js';
import { collectBody } from './collect-body.js';
import { unpackGzip } from './unpack-gzip.js';

/** For `addContentTypeParser`. @throws Failure as `collectBody`; and `unsupported-media-type`, `invalid-body`, `saturated` */
export function readBody(request: FastifyRequest): Promise<Buffer> {
  return request.headers['content-encoding'] === undefined ? collectBody(request) : readEncoded(request);
}

async function readEncoded(request: FastifyRequest): Promise<Buffer> {
  const coding = String(request.headers['content-encoding']).trim().toLowerCase();
  if (coding === 'identity') return collectBody(request);
  if (coding !== 'gzip' && coding !== 'x-gzip') {
    throw new Failure(
      'unsupported-media-type',
      `A body is taken with content-encoding gzip or without any, not ${JSON.stringify(coding)}.`,
    );
  }
  const compressed = await collectBody(request);
  return unpackGzip(compressed, request.routeOptions.bodyLimit, (bytes) => request.admitMoreBytes(bytes));
}
