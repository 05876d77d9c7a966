#!/usr/bin/env bash
# On the wasm backend of TensorFlow.js, relu6 turns NaN into 0, but relu keeps NaN.
#
# Packages: @tensorflow/tfjs-core, tfjs-backend-cpu and tfjs-backend-wasm 4.22.0 (npm).
#
# Expected: all activations treat NaN alike, on each backend. A NaN in a network reaches the output,
#   where the caller sees it.
#
# Behaviour: on wasm, relu6 and clipByValue give the lower limit for NaN, and maximum gives its second
#   input if one of the two is NaN. relu keeps NaN. The cpu backend keeps NaN in all of them.
#
# Output seen:
#                      cpu    wasm
#   relu(NaN)          NaN    NaN
#   relu6(NaN)         NaN    0
#   clip(NaN, -1, 6)   NaN    -1
#   maximum(NaN, 1)    NaN    NaN
#   maximum(1, NaN)    NaN    1
#
# For people who serve models: MobileNets use relu6. On wasm they answer a broken input or a broken weight
#   with scores that look healthy. Check the input and the weights, not only the output.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm i --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat > nan.cjs <<'JS'
const assert = require("node:assert");
const path = require("node:path");
console.warn = () => {};
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
const wasm = require("@tensorflow/tfjs-backend-wasm");
wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + "/");

const answers = () => {
  const nan = tf.tensor1d([NaN]), one = tf.tensor1d([1]);
  const found = [tf.relu(nan), tf.relu6(nan), tf.clipByValue(nan, -1, 6), tf.maximum(nan, one), tf.maximum(one, nan)];
  return found.map((tensor) => tensor.dataSync()[0]);
};

(async () => {
  for (const [name, want] of [["cpu", [NaN, NaN, NaN, NaN, NaN]], ["wasm", [NaN, 0, -1, NaN, 1]]]) {
    assert(await tf.setBackend(name), `no backend ${name}`);
    const found = answers();
    console.log(name, ...found);
    assert.deepEqual(found, want, `the ${name} backend changed`);
  }
})();
JS
node nan.cjs
