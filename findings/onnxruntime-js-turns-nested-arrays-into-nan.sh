#!/usr/bin/env bash
# new Tensor("float32", [[1, 2], [3, 4]]) in onnxruntime for JavaScript holds two NaN and raises nothing.
#
# Packages: onnxruntime-common 1.30.0 (npm), the part that onnxruntime-node and onnxruntime-web share.
#
# Expected: a nested array gives a 2x2 tensor, as in NumPy and in TensorFlow.js, or it throws.
#
# Behaviour: the constructor only converts each outer element to a number. An inner array becomes NaN,
#   or, if it has one element, that element. Dimensions are not read from the nesting, but
#   guessed from the outer length. Strings are read as numbers, null is 0, undefined is NaN.
#   For uint8, numbers wrap around: 256 is 0. But a Float64Array is refused.
#
# Output seen:
#   float32 [[1,2],[3,4]]          NaN NaN, dims 2
#   float32 [[1],[2]]              1 2, dims 2
#   float32 ["7", null, undefined] 7 0 NaN
#   uint8   [256, -1, 1.9]         0 255 1
#   float32 Float64Array           throws
#
# For people who serve models: JSON requests often hold nested arrays. Without a check of your own the model
#   gets NaN and still answers. Flatten the array, and test each number with Number.isFinite.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm i --silent --no-audit --no-fund onnxruntime-common@1.30.0
cat > tensor.cjs <<'JS'
const assert = require("node:assert");
const { Tensor } = require("onnxruntime-common");
const check = (type, data, want) => {
  const tensor = new Tensor(type, data);
  console.log(type, JSON.stringify(data), "->", ...tensor.data, "dims", ...tensor.dims);
  assert.deepEqual([...tensor.data], want, `Tensor("${type}", ${JSON.stringify(data)}) changed`);
  assert.deepEqual(tensor.dims, [data.length]);
};
check("float32", [[1, 2], [3, 4]], [NaN, NaN]);
check("float32", [[1], [2]], [1, 2]);
check("float32", ["7", null, undefined], [7, 0, NaN]);
check("uint8", [256, -1, 1.9], [0, 255, 1]);
assert.throws(() => new Tensor("float32", new Float64Array(1)), /must be type of/, "a Float64Array is now accepted");
console.log("Float64Array throws");
JS
node tensor.cjs
