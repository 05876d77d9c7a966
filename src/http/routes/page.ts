// The pages for people: / shows an image's way through the exits, /status what is served. Static files of web/, which
// say nothing about this server: all that they show comes from the API, under the caller's key.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { messageOf, UsageError } from '../../foundation/errors.js';

/** Made by `npm run build`. */
const FOLDER = join(import.meta.dirname, '../../../web');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Only files of this server, its API, and the images that people give to the page; markup is never made from text. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

interface PageFile {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  readonly type: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** @param docs whether Swagger UI is served, so that the pages link to it */
export const pageRoutes = fp<{ docs: boolean }>(
  async (app: FastifyInstance, { docs }) => {
    for (const file of readFiles(docs)) {
      const { path, type, bytes, etag } = file;
      const url = path === 'index.html' ? '/' : path === 'status.html' ? '/status' : `/page/${path}`;
      app.get(url, { schema: { hide: true, security: [] } }, async (request, reply) => {
        reply.headers({
          'content-security-policy': CONTENT_SECURITY_POLICY,
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-cache',
          etag,
        });
        if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send();
        return reply.type(type).send(bytes);
      });
    }
  },
  { name: 'page' },
);

/** @throws UsageError if the page has not been built */
function readFiles(docs: boolean): PageFile[] {
  try {
    return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
      const path = name.replaceAll('\\', '/');
      const type = types[extname(path)];
      if (type === undefined) return [];
      const read = readFileSync(join(FOLDER, name));
      const bytes = docs && path.endsWith('.html') ? linkedToDocs(read) : read;
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
      return [{ path, type, bytes, etag }];
    });
  } catch (error) {
    throw new UsageError(
      `The page cannot be read: ${messageOf(error)}. Run npm run build, or start with --page false.`,
      { cause: error },
    );
  }
}

/** Swagger UI shows the API better than its document. */
function linkedToDocs(html: Buffer): Buffer {
  return Buffer.from(html.toString().replaceAll('href="openapi.json"', 'href="docs/"'));
}

/** Whether the client's `if-none-match` has this tag (RFC 9110, section 13.1.2; a proxy may have made it weak). */
function isKnown(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((one) => [etag, '*'].includes(one.trim().replace(/^W\//, '')));
}
