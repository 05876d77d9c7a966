#!/usr/bin/env bash
# Package: @fastify/swagger 9.9.3 with fastify 5.12.8 (npm).
#
# Expected: OpenAPI 3.1 says that the `url` of a server may be relative: it is then relative to where the document is
#   served. So `servers: [{ url: './' }]` is valid, and the way to describe a service behind an unknown path prefix.
# Behaviour: The plugin parses the url as an absolute one to strip its path from the routes. A relative url that does not
#   begin with a slash throws "Invalid URL", when the document is asked for, not when the plugin is registered. With
#   `stripBasePath: false` the same document is made.
#
# Output seen:
#   url of the server   stripBasePath    app.swagger()
#   ./                  not given        TypeError: Invalid URL
#   /                   not given        a document
#   ./                  false            a document
#
# Meaning: The server starts, its tests of routes pass, and `GET /openapi.json` is the one address that answers 500.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fastify@5.12.8 @fastify/swagger@9.9.3

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import swagger from '@fastify/swagger';
import fastify from 'fastify';
async function documentWith(url, options) {
  const app = fastify();
  await app.register(swagger, { openapi: { openapi: '3.1.0', servers: [{ url }] }, ...options });
  app.get('/one', async () => 'one');
  await app.ready();
  try {
    return Object.keys(app.swagger().paths).join();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  } finally {
    await app.close();
  }
}
const seen = [await documentWith('./'), await documentWith('/'), await documentWith('./', { stripBasePath: false })];
assert.deepEqual(seen, ['TypeError: Invalid URL', '/one', '/one'], `The behaviour has changed: ${seen.join('; ')}`);
console.log(`As stated: ${seen.join('; ')}`);
JS
node check.mjs
