#!/usr/bin/env bash
# Packages: fastify 5.12.8 (npm; brings fast-json-stringify), with and without a schema for the response.
#
# Expected: The scores of a model (a Float32Array) become a JSON list of numbers, and a schema for the response only
#   makes that faster. NaN and Infinity become null, as JSON.stringify does it.
# Behaviour: With a schema that says "list of numbers", a Float32Array is an error 500. Without one it becomes an
#   object with the keys "0", "1" and so on. The schema also changes numbers: NaN is an error 500, while Infinity is
#   null; an "integer" is cut off towards zero; a null for a string becomes "".
#
# Output seen:
#   the handler returns                      with schema              without schema
#   Float32Array of 0.5 and 0.25             500                      {"0":0.5,"1":0.25}
#   Array.from of it                         [0.5,0.25]               [0.5,0.25]
#   number NaN                               500                      null
#   number Infinity                          null                     null
#   integer 2.7                              2                        2.7
#   string null                              ""                       null
#
# Meaning: Copy typed arrays with Array.from before you answer, and test with NaN: an answer to a model that overflows
#   fails with 500 for NaN and passes as null for Infinity, against the schema that promised a number.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fastify@5.12.8

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import Fastify from 'fastify';
const answer = async (value, type) => {
  const server = Fastify();
  const schema = type && { response: { 200: { type: 'object', properties: { value: type } } } };
  server.get('/', { schema }, async () => ({ value }));
  const { statusCode, body } = await server.inject('/');
  return statusCode === 200 ? JSON.stringify(JSON.parse(body).value) : `${statusCode}`;
};
const numbers = { type: 'array', items: { type: 'number' } };
const scores = new Float32Array([0.5, 0.25]);
const stated = [
  ['Float32Array', scores, numbers, '500', '{"0":0.5,"1":0.25}'],
  ['Array.from', Array.from(scores), numbers, '[0.5,0.25]', '[0.5,0.25]'],
  ['number NaN', NaN, { type: 'number' }, '500', 'null'],
  ['number Infinity', Infinity, { type: 'number' }, 'null', 'null'],
  ['integer 2.7', 2.7, { type: 'integer' }, '2', '2.7'],
  ['string null', null, { type: 'string' }, '""', 'null'],
];
for (const [name, value, type, ...expected] of stated) {
  const seen = [await answer(value, type), await answer(value)];
  assert.deepEqual(seen, expected, `The behaviour has changed: ${name}`);
  console.log(`As stated: ${name}: ${seen[0]} with schema, ${seen[1]} without`);
}
JS
node check.mjs
