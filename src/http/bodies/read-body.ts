// Receives a request's body and undoes its content coding, within the limit of the route and the bytes for all bodies.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { Failure, messageOf } from '../../foundation/errors.js';
import { collectBody } from './collect-body.js';

const decompress = promisify(gunzip);

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
  const limit = request.routeOptions.bodyLimit;
  const compressed = await collectBody(request);
  const announced = announcedSize(compressed);
  const size = Math.min(announced, limit);
  request.admitMoreBytes(size);
  try {
    // 0 would mean no limit.
    return await decompress(compressed, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    if (announced > limit && (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Failure('body-too-large', `The body is larger than ${limit} bytes when it is unpacked.`);
    }
    throw new Failure('invalid-body', `The body is not whole gzip data of one member: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** The length of the data as gzip says at its end (RFC 1952, ISIZE); nothing beyond it is unpacked. */
function announcedSize(compressed: Buffer): number {
  return compressed.length < 4 ? 0 : compressed.readUInt32LE(compressed.length - 4);
}
