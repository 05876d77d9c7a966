#!/usr/bin/env bash
# In onnxruntime for JavaScript, run() has not read its input yet when it returns.
#
# Packages: onnxruntime-node 1.30.0 (Node 20 or newer), onnx 1.23.2 to write the model.
#
# Expected: run() takes the input when it is called and gives a promise for the output. So the caller
#   may fill the buffer with the next image at once.
#
# Behaviour: the tensor only points to the buffer, and the run starts in a later turn of the event loop.
#   What is in the buffer then is what the model sees. Two runs started together from one buffer
#   both answer for the second image. No error and no warning.
#
# Output seen for an Identity model, one buffer filled with 1, then 2:
#   first run 2,2,2   second run 2,2,2
#   with "await" after each run: 1,1,1 and 2,2,2
#
# For people who serve models: a buffer pool saves memory but can answer one user with the image of
#   another. Give a buffer back only after the promise has ended, or copy it for each run.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2
npm i --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
v/bin/python - <<'PY'
import onnx
from onnx import TensorProto as T, helper as h
info = lambda name: h.make_tensor_value_info(name, T.FLOAT, [3])
graph = h.make_graph([h.make_node("Identity", ["x"], ["y"])], "g", [info("x")], [info("y")])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), "identity.onnx")
PY
cat > reuse.cjs <<'JS'
const assert = require("node:assert");
const { InferenceSession, Tensor } = require("onnxruntime-node");
InferenceSession.create("identity.onnx").then(async (session) => {
  const buffer = new Float32Array(3);
  const start = (image) => session.run({ x: new Tensor("float32", buffer.fill(image), [3]) });
  const text = (results) => results.map(({ y }) => String(y.data));

  const together = text(await Promise.all([start(1), start(2)]));
  const inTurn = text([await start(1), await start(2)]);
  console.log("together:", ...together, "  in turn:", ...inTurn);
  assert.deepEqual(together, ["2,2,2", "2,2,2"], "run() now takes the input when it is called");
  assert.deepEqual(inTurn, ["1,1,1", "2,2,2"]);
});
JS
node reuse.cjs
