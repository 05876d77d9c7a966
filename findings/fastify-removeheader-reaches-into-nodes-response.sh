#!/usr/bin/env bash
# Package: fastify 5.12.8 (npm).
#
# Expected: A reply of Fastify keeps its headers apart until it is sent. `reply.removeHeader(name)` takes back what
#   `reply.header(name)` has set; a header that somebody has set on Node's own response (`reply.raw.setHeader`) stays.
# Behaviour: `reply.removeHeader` also removes the header of that name from Node's response.
#
# Output seen, for an answer before which `reply.raw.setHeader('x-mark', 'raw')` was called:
#   nothing more                      x-mark: raw
#   reply.removeHeader('x-mark')      no x-mark
#
# Meaning: A plugin that sets `connection: close` on Node's response, so that a server which ends does not get further
#   requests, is silently undone by a handler that tidies Fastify's headers. The connection then ends without a word, and
#   a proxy in front answers the next request on it with 502.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fastify@5.12.8

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import fastify from 'fastify';
const app = fastify();
app.get('/kept', (_request, reply) => {
  reply.raw.setHeader('x-mark', 'raw');
  reply.send('kept');
});
app.get('/removed', (_request, reply) => {
  reply.raw.setHeader('x-mark', 'raw');
  reply.removeHeader('x-mark');
  reply.send('removed');
});
const address = await app.listen({ port: 0, host: '127.0.0.1' });
const marks = [];
for (const path of ['/kept', '/removed']) marks.push((await fetch(address + path)).headers.get('x-mark'));
await app.close();
assert.deepEqual(marks, ['raw', null], `The behaviour has changed: ${marks}`);
console.log(`As stated: x-mark is ${marks[0]} without removeHeader and ${marks[1]} with it`);
JS
node check.mjs
