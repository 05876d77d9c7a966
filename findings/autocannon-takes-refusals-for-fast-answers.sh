#!/usr/bin/env bash
# Package: autocannon 9.0.0 (npm).
#
# Expected: A load test tells how long served requests took. Requests that an overloaded server refuses with 503 count
#   as errors and stay out of the latency.
# Behaviour: They count as requests and go into the latency; `errors` is 0. A refusal is quick, so that the more a
#   server refuses, the faster and the more productive it looks. `excludeErrorStats: true` keeps refusals out of the
#   latency, though not out of the number of requests. Only `non2xx` tells of them.
#
# Output seen, for 200 requests to a server that refuses three of four and needs at least 20 ms for the others:
#                              requests   errors   non2xx   latencies   median latency
#   default                    200        0        150      200         under 20 ms
#   excludeErrorStats: true    200        0        150       50         at least 20 ms
#
# Meaning: A comparison of inference servers under overload prizes the one that sheds most load. Compare the number of
#   2xx answers, and set `excludeErrorStats` for the latency.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund autocannon@9.0.0

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import autocannon from 'autocannon';
let count = 0;
const server = createServer((_request, response) => {
  const refused = count++ % 4 !== 0;
  response.statusCode = refused ? 503 : 200;
  setTimeout(() => response.end(), refused ? 0 : 21); // a timer may be 1 ms early
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

for (const excludeErrorStats of [false, true]) {
  const result = await autocannon({ url, connections: 1, amount: 200, excludeErrorStats });
  const { requests, errors, non2xx, latency } = result;
  const seen = [requests.total, errors, non2xx, latency.totalCount];
  assert.deepEqual(seen, [200, 0, 150, excludeErrorStats ? 50 : 200], `The behaviour has changed: ${seen}`);
  assert.equal(latency.p50 >= 20, excludeErrorStats, `The behaviour has changed: median ${latency.p50} ms`);
  const median = latency.p50 >= 20 ? 'at least' : 'under';
  console.log(`As stated: excludeErrorStats ${excludeErrorStats}: requests ${seen[0]}, errors ${seen[1]}, `
    + `non2xx ${seen[2]}, latencies ${seen[3]}, median ${median} 20 ms`);
}
server.close();
JS
node check.mjs
