#!/usr/bin/env bash
# A model made with the defaults of onnx 1.23.2 loads in onnxruntime for Python, but not in that for Node.
#
# Packages: onnx 1.23.2 and onnxruntime 1.32.0 (Python), onnxruntime-node 1.30.0 (npm, Node 20+).
#   Each was the newest of its registry when this was written.
#
# Expected: packages that are the newest at the same time fit together, most of all for a
#   single Relu, whose definition is the same since opset 14.
#
# Behaviour: onnx.helper.make_model writes the newest opset and IR version that onnx knows, not the
#   lowest that the graph needs. onnxruntime for Python loads it. The npm package is some
#   releases behind and refuses first the IR version and then the opset.
#
# Output seen:
#   make_model without versions: opset 28, IR version 14
#   Python onnxruntime 1.32.0: loads it
#   onnxruntime-node 1.30.0: IR 14 refused (max supported 13), IR 13 with opset 28 and 27 refused
#     (max official opset 26), IR 13 with opset 26 loads
#
# For people who serve models: "it runs in Python" says little about a Node server. Pass opset_imports
#   and ir_version to make_model, or an opset to your exporter. Choose them by the oldest
#   runtime that must load the model.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
npm i --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
v/bin/python - <<'PY'
import onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h
ort.set_default_logger_severity(4)
info = lambda name: h.make_tensor_value_info(name, T.FLOAT, [1])
graph = h.make_graph([h.make_node("Relu", ["x"], ["y"])], "g", [info("x")], [info("y")])
model = h.make_model(graph)
versions = model.opset_import[0].version, model.ir_version
print("make_model without versions: opset %d, IR version %d" % versions)
assert versions == (28, 14), f"other defaults: {versions}"
ort.InferenceSession(model.SerializeToString())
for opset, ir_version in ((28, 14), (28, 13), (27, 13), (26, 13)):
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=ir_version)
    onnx.save(model, f"relu-{opset}-{ir_version}.onnx")
PY
cat > load.cjs <<'JS'
const assert = require("node:assert");
const { InferenceSession } = require("onnxruntime-node");
(async () => {
  for (const [file, want] of [
    ["relu-28-14.onnx", /Unsupported model IR version: 14, max supported IR version: 13/],
    ["relu-28-13.onnx", /Opset 28 is under development.*till opset 26/s],
    ["relu-27-13.onnx", /Opset 27 is under development.*till opset 26/s],
    ["relu-26-13.onnx", /^loads$/],
  ]) {
    const found = await InferenceSession.create(file).then(() => "loads", (error) => error.message);
    console.log(file, found.match(want)?.[0].replace(/\s+/g, " ") ?? found);
    assert.match(found, want, `${file}: onnxruntime-node changed`);
  }
})();
JS
node load.cjs
