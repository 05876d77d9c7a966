#!/usr/bin/env bash
# The wasm backend of TensorFlow.js makes 0.3 false and keeps 2 as a "bool" of value 2.
#
# Packages: @tensorflow/tfjs-core, tfjs-backend-cpu and tfjs-backend-wasm 4.22.0 (npm).
#
# Expected: a cast to bool tests for zero. All numbers but zero become 1, on every backend.
#
# Behaviour: the wasm backend keeps the low byte of the whole part. 0.3 becomes 0, 2 stays 2, and 256
#   becomes 0. The later steps then go wrong: logicalNot of 0.3 is true, and so is logicalNot of 2,
#   with the value 3. The cpu backend is right. So are masks made by a comparison, on both backends.
#
# Output seen for the input 0.3 1 2 256 0:
#                       cpu          wasm
#   cast to bool        1 1 1 1 0    0 1 2 0 0
#   logicalNot of it    0 0 0 0 1    1 0 3 1 1
#   where(it, 1, 0)     1 1 1 1 0    0 1 1 0 0
#   notEqual to 0       1 1 1 1 0    1 1 1 1 0
#
# For people who serve models: a graph with Cast to bool (attention masks, gates of early exits) changes
#   its decision with the backend. Use notEqual(x, 0) instead of a cast.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm i --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat > bool.cjs <<'JS'
const assert = require("node:assert");
const path = require("node:path");
console.warn = () => {};
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
const wasm = require("@tensorflow/tfjs-backend-wasm");
wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + "/");

const rows = () => {
  const x = tf.tensor1d([0.3, 1, 2, 256, 0]);
  const mask = tf.cast(x, "bool");
  const list = (tensor) => [...tensor.dataSync()].join(" ");
  return {
    cast: list(mask),
    logicalNot: list(tf.logicalNot(mask)),
    where: list(tf.where(mask, tf.onesLike(x), tf.zerosLike(x))),
    notEqual: list(tf.notEqual(x, 0)),
  };
};

(async () => {
  const found = {};
  for (const name of ["cpu", "wasm"]) {
    assert(await tf.setBackend(name), `no backend ${name}`);
    found[name] = rows();
    console.log(name, JSON.stringify(found[name]));
  }
  const right = { cast: "1 1 1 1 0", logicalNot: "0 0 0 0 1", where: "1 1 1 1 0", notEqual: "1 1 1 1 0" };
  assert.deepEqual(found.cpu, right);
  assert.deepEqual(found.wasm, { ...right, cast: "0 1 2 0 0", logicalNot: "1 0 3 1 1", where: "0 1 1 0 0" },
    "the wasm backend changed");
})();
JS
node bool.cjs
