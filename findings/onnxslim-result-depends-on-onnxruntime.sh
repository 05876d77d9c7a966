#!/usr/bin/env bash
# onnxslim makes another file when onnxruntime is installed, and it can be 943 times larger.
#
# Packages: onnxslim 0.1.98, onnxsim 0.8.1, onnx 1.23.2, with and without onnxruntime 1.32.0, numpy 2.4.6.
#
# Expected: a pinned tool gives the same file for the same model on each machine. And a tool that makes
#   models simpler does not make them much larger.
#
# Behaviour: onnxslim folds constants only if it finds onnxruntime, which is not among its requirements.
#   Without it, onnxslim says nothing and folds nothing. With it, a mask that ConstantOfShape makes from three
#   numbers becomes a full tensor in the file. onnxsim needs no onnxruntime and always stores the
#   tensor. It also writes a report of 19 entries into metadata_props.
#
# Output seen, one ConstantOfShape of (1, 256, 256) and one Mul, 184 bytes:
#   onnxslim without onnxruntime    278 bytes: ConstantOfShape Mul
#   onnxslim with onnxruntime    262290 bytes: Mul
#   onnxsim                      262957 bytes: Mul, 19 metadata entries
#
# For people who serve models: two build machines can ship different graphs from the same pinned tool. Pin
#   onnxruntime too, compare the file size before and after, and set size_threshold in onnxslim.
#   A server that shows metadata_props to its users now shows the report of onnxsim.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnxslim==0.1.98 onnxsim==0.8.1 onnx==1.23.2 numpy==2.4.6
cat > slim.py <<'PY'
import sys
import numpy as np, onnxsim, onnxslim
from onnx import TensorProto as T, helper as h, numpy_helper

info = lambda name: h.make_tensor_value_info(name, T.FLOAT, ["N", 256, 256])
half = numpy_helper.from_array(np.full(1, 0.5, np.float32))
graph = h.make_graph(
    [h.make_node("ConstantOfShape", ["shape"], ["mask"], value=half), h.make_node("Mul", ["x", "mask"], ["y"])],
    "g", [info("x")], [info("y")], [numpy_helper.from_array(np.array([1, 256, 256]), "shape")])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=10)
kinds = lambda m: [n.op_type for n in m.graph.node]
with_runtime, full = sys.argv[1] == "with", 256 * 256 * 4

before = model.ByteSize()
sim, _ = onnxsim.simplify(model)
slim = onnxslim.slim(model)
print(f"{sys.argv[1]} onnxruntime: {before} bytes before, onnxslim {slim.ByteSize()} {kinds(slim)},",
      f"onnxsim {sim.ByteSize()} {kinds(sim)} {len(sim.metadata_props)} metadata entries")
assert kinds(sim) == ["Mul"] and sim.ByteSize() > full, "onnxsim no longer stores the full tensor"
assert len(sim.metadata_props) == 19, "onnxsim writes another report"
assert kinds(slim) == (["Mul"] if with_runtime else ["ConstantOfShape", "Mul"]), "onnxslim changed"
assert (slim.ByteSize() > full) == with_runtime, f"onnxslim now gives {slim.ByteSize()} bytes"
PY
v/bin/python slim.py without
v/bin/pip install -q --disable-pip-version-check onnxruntime==1.32.0
v/bin/python slim.py with
