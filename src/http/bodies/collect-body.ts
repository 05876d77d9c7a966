// Collects the bytes of a body in one Buffer, however many pieces they arrive in. A client may send each byte as a
// separate HTTP chunk, and one Buffer per chunk would take hundreds of bytes each.
import type { IncomingMessage } from 'node:http';
import { Failure } from '../../foundation/errors.js';

/** What is needed of a request. */
export interface BodySource {
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly bodyLimit: number };
  /** See admit-bodies.ts; needed for bodies whose length is not announced. */
  admitMoreBytes?(bytes: number): void;
}

/**
 * Receives a request's body, up to the limit of its route. The error handler receives the rest of a refused body.
 * @throws Failure `body-too-large`, `saturated`; or the error of the connection
 */
export function collectBody(source: BodySource): Promise<Buffer> {
  const { raw, routeOptions } = source;
  const limit = routeOptions.bodyLimit;
  // NaN for chunked transfer. Otherwise Node ensures that exactly this many bytes arrive.
  const announced = Number(raw.headers['content-length']);
  const isChunked = Number.isNaN(announced);
  const tooLarge = () => new Failure('body-too-large', `The body is larger than ${limit} bytes.`);
  return new Promise((resolve, reject) => {
    if (announced > limit) return reject(tooLarge());
    let memory: Buffer = Buffer.alloc(0);
    let length = 0;
    raw.on('data', take).on('end', end).on('error', end);

    function take(piece: Buffer): void {
      const needed = length + piece.length;
      try {
        if (needed > limit) throw tooLarge();
        if (needed > memory.length) grow(piece, needed);
        else piece.copy(memory, length);
      } catch (error) {
        end(error as Error);
      }
      length = needed;
    }

    function grow(piece: Buffer, needed: number): void {
      // The announced length can be allocated at once, because admit-bodies.ts has admitted it.
      const size = length === 0 ? piece.length : isChunked ? Math.min(2 * needed, limit) : announced;
      if (isChunked) source.admitMoreBytes?.(size - memory.length);
      if (length === 0) {
        memory = piece; // usually the only piece
        return;
      }
      const larger = Buffer.allocUnsafe(size);
      memory.copy(larger, 0, 0, length);
      piece.copy(larger, length);
      memory = larger;
    }

    function end(error?: Error): void {
      raw.off('data', take).off('end', end).off('error', end);
      if (error) reject(error);
      else resolve(memory.subarray(0, length));
    }
  });
}
