#!/usr/bin/env bash
# Package: fastify 5.12.8 (npm), with its default settings.
#
# Expected: A JSON body that does not fit the schema is answered with 400. Reading "0.5" as a number is for query
#   strings, where everything is text.
# Behaviour: Fastify converts in JSON bodies, too. null becomes 0, "" or false, depending on the type; true becomes 1;
#   a list of one number becomes the number, and null for a list becomes [0] or [""]. With `additionalProperties:
#   false` an unknown member is not refused but removed, so that a misspelt option is silently ignored.
#
# Output seen, all with status 200, for the schema { threshold: number, model: string, exits: list of integers }:
#   sent                                  the handler gets
#   {"threshold": null}                   {"threshold": 0}
#   {"threshold": true}                   {"threshold": 1}
#   {"threshold": [0.7]}                  {"threshold": 0.7}
#   {"model": null, "exits": null}        {"model": "", "exits": [0]}
#   {"treshold": 0.9}                     {}
#
# Meaning: A client that leaves a confidence threshold "unset" as null sets it to 0, and a network with early exits
#   then leaves at the first one: fast, plausible and worse. Set `ajv: { customOptions: { coerceTypes: false,
#   removeAdditional: false } }`; each of these then gives 400. Queries then need their own validator.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fastify@5.12.8

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import Fastify from 'fastify';
const body = {
  type: 'object',
  properties: {
    threshold: { type: 'number' },
    model: { type: 'string' },
    exits: { type: 'array', items: { type: 'integer' } },
  },
  additionalProperties: false,
};
const ask = async (options, payload) => {
  const server = Fastify(options);
  server.post('/', { schema: { body } }, (request) => request.body);
  const { statusCode, body: answer } = await server.inject({ method: 'POST', url: '/', payload });
  return { statusCode, answer };
};
const stated = [
  [{ threshold: null }, { threshold: 0 }],
  [{ threshold: true }, { threshold: 1 }],
  [{ threshold: [0.7] }, { threshold: 0.7 }],
  [{ model: null, exits: null }, { model: '', exits: [0] }],
  [{ treshold: 0.9 }, {}],
];
const strict = { ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } };
for (const [sent, got] of stated) {
  const seen = await ask({}, sent);
  assert.deepEqual(seen, { statusCode: 200, answer: JSON.stringify(got) }, 'The behaviour has changed');
  assert.equal((await ask(strict, sent)).statusCode, 400, 'The strict settings do not refuse it');
  console.log(`As stated: ${JSON.stringify(sent)} arrives as ${seen.answer}`);
}
JS
node check.mjs
