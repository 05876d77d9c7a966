// The refusal of a content type: it names what arrived and what the address takes.
import type { FastifyRequest } from 'fastify';
import { Failure } from '../../foundation/errors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Content types that the route takes; default: application/json. */
    contentTypes?: readonly string[];
  }
}

const JSON_TYPE = 'application/json';

export function unsupportedMediaType(request: FastifyRequest): Failure {
  const { contentTypes = [JSON_TYPE] } = request.routeOptions.config;
  const arrived = request.headers['content-type'];
  const detail =
    `${request.routeOptions.url} takes ${contentTypes.join(', ')}; ` +
    `${arrived === undefined ? 'no content type' : JSON.stringify(arrived)} arrived.`;
  return new Failure('unsupported-media-type', `${detail}${adviceFor(arrived, contentTypes)}`);
}

function adviceFor(arrived = '', taken: readonly string[]): string {
  if (taken.includes(JSON_TYPE)) {
    return arrived.startsWith('image/') ? ' POST /classify takes an image as it is.' : '';
  }
  if (/[/+]json\b/.test(arrived)) return ' POST /classify/batch takes JSON, with images in base64.';
  if (arrived.startsWith('application/x-www-form-urlencoded')) {
    return ' Tools send that by default; with curl, add: -H "content-type: application/octet-stream".';
  }
  return '';
}
