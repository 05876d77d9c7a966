// How JSON bodies are read; no other kind is taken, but where a route has a parser of its own.
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Failure } from '../../foundation/errors.js';
import { collectBody } from './collect-body.js';

/** To be registered before the routes. */
export const jsonBodies = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', async (request: FastifyRequest) => {
      const json = (await collectBody(request)).toString();
      if (isIntricate(json)) {
        throw new Failure('invalid-body', 'The body has far more structure than any that is taken here.');
      }
      return new Promise((resolve, reject) => {
        parse(request, json, (error, value) => (error ? reject(error) : resolve(value)));
      });
    });
  },
  { name: 'json-bodies' },
);

/** What opens a value or names one, in a body that is not what it should be; base64 has none of these characters. */
const STRUCTURE = ['[', '{', ':'];
const MOST_STRUCTURE = 1000;

/** Whether parsing would take seconds and many times the body's bytes, as it does where arrays or objects abound. */
function isIntricate(json: string): boolean {
  let found = 0;
  for (const character of STRUCTURE) {
    for (let at = json.indexOf(character); at >= 0; at = json.indexOf(character, at + 1)) {
      if (++found > MOST_STRUCTURE) return true;
    }
  }
  return false;
}
