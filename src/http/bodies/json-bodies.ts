// The parser of JSON bodies. Other content types are refused, unless a route has its own parser.
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Failure } from '../../foundation/errors.js';
import { readBody } from './read-body.js';

/** Register before the routes. */
export const jsonBodies = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', async (request: FastifyRequest) => {
      const json = (await readBody(request)).toString();
      if (isIntricate(json)) {
        throw new Failure(
          'invalid-body',
          'The body has far more structure than any operation of this server expects.',
        );
      }
      return new Promise((resolve, reject) => {
        parse(request, json, (error, value) => (error ? reject(error) : resolve(value)));
      });
    });
  },
  { name: 'json-bodies' },
);

/** Characters that open a JSON array or object or follow a name. Valid bodies have few of them: base64 has none. */
const STRUCTURE = ['[', '{', ':'];
const MOST_STRUCTURE = 1000;

/**
 * Whether the body has so many arrays or objects that parsing could take seconds and many times its size in memory.
 * @param mostArrays arrays that are not counted, of a body that has tensors
 */
export function isIntricate(json: string, mostArrays = 0): boolean {
  return STRUCTURE.some((character) => {
    const most = MOST_STRUCTURE + (character === '[' ? mostArrays : 0);
    let found = 0;
    for (let at = json.indexOf(character); at >= 0; at = json.indexOf(character, at + 1)) {
      if (++found > most) return true;
    }
    return false;
  });
}
