// The bytes of a body, in one piece of memory however many pieces they come in: a client may send every byte as an HTTP
// chunk of its own, and a Buffer for each takes hundreds of bytes.
import type { FastifyRequest } from 'fastify';
import { Failure } from '../../foundation/errors.js';

/**
 * Receives a request's body, up to its route's limit; for `addContentTypeParser`. The rest of a body that is refused is
 * left to the error handler.
 * @throws Failure `body-too-large`; or what the connection broke with
 */
export function collectBody({ raw, headers, routeOptions }: FastifyRequest): Promise<Buffer> {
  const limit = routeOptions.bodyLimit;
  // NaN in HTTP chunks. Otherwise Node sees to it that neither less nor more comes.
  const announced = Number(headers['content-length']);
  const tooLarge = () => new Failure('body-too-large', `The body is larger than ${limit} bytes.`);
  return new Promise((resolve, reject) => {
    if (announced > limit) return reject(tooLarge());
    let memory: Buffer = Buffer.alloc(0);
    let length = 0;
    raw.on('data', take).on('end', end).on('error', end);

    function take(piece: Buffer): void {
      const needed = length + piece.length;
      if (needed > limit) {
        end(tooLarge());
        return;
      }
      if (length === 0) {
        memory = piece; // mostly the only one
      } else {
        if (needed > memory.length) grow(needed);
        piece.copy(memory, length);
      }
      length = needed;
    }

    function grow(needed: number): void {
      // What is announced may be taken at once: admit-bodies.ts has counted it.
      const larger = Buffer.allocUnsafe(Number.isNaN(announced) ? Math.min(2 * needed, limit) : announced);
      memory.copy(larger);
      memory = larger;
    }

    function end(error?: Error): void {
      raw.off('data', take).off('end', end).off('error', end);
      if (error) reject(error);
      else resolve(memory.subarray(0, length));
    }
  });
}
