#!/usr/bin/env bash
# One NaN makes topk of TensorFlow.js lose the best class, and the winner depends on k.
#
# Packages: @tensorflow/tfjs-core, tfjs-backend-cpu and tfjs-backend-wasm 4.22.0 (npm).
#
# Expected: topk with k + 1 gives the list of topk with k and one more entry. A NaN stands at one end of
#   the list or raises an error. argMax names the first entry of topk.
#
# Behaviour: every comparison with NaN is false, and the selection inside topk goes wrong. The order then
#   depends on k and on the place of the NaN. Large scores drop out of the list, small ones
#   stay. The cpu backend and the wasm backend agree, so comparing backends does not show it.
#
# Output seen for the scores 5 1 NaN 3 2 4 (best first: index 0, 5, 3, 4, 1), both backends:
#   k=1: 0   k=2: 5 3   k=3: 0 5 2   k=4: 0 5 3 4   k=5: 0 2 5 3 4   k=6: 0 1 2 5 3 4
#   argMax: 0. For the scores NaN 1 2: argMax 0, topk with k=1 gives 2.
#
# For people who serve models: float16 overflow and broken weights produce NaN in one logit of many. A
#   list of the two best classes can then lack the best one. Search the scores for NaN before topk,
#   and answer with an error.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm i --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat > topk.cjs <<'JS'
const assert = require("node:assert");
const path = require("node:path");
console.warn = () => {};
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
const wasm = require("@tensorflow/tfjs-backend-wasm");
wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + "/");

const top = (scores, k) => tf.topk(tf.tensor1d(scores), k).indices.dataSync().join(" ");
const lists = (scores) => scores.map((_, i) => top(scores, i + 1));
const best = (scores) => tf.argMax(tf.tensor1d(scores)).dataSync()[0];

(async () => {
  for (const name of ["cpu", "wasm"]) {
    assert(await tf.setBackend(name), `no backend ${name}`);
    const scores = [5, 1, NaN, 3, 2, 4];
    console.log(name, lists(scores).map((list, i) => `k=${i + 1}: ${list}`).join("   "), "  argMax:", best(scores));
    assert.deepEqual(lists([5, 1, 0, 3, 2, 4]),
      ["0", "0 5", "0 5 3", "0 5 3 4", "0 5 3 4 1", "0 5 3 4 1 2"], `${name}: wrong without NaN too`);
    assert.deepEqual(lists(scores),
      ["0", "5 3", "0 5 2", "0 5 3 4", "0 2 5 3 4", "0 1 2 5 3 4"], `${name}: topk changed`);
    assert.deepEqual([best(scores), best([NaN, 1, 2]), top([NaN, 1, 2], 1)], [0, 0, "2"], `${name}: argMax changed`);
  }
})();
JS
node topk.cjs
