#!/usr/bin/env bash
# onnxslim replaces a random number generator in the graph by the numbers it drew once.
#
# Packages: onnxslim 0.1.98, onnxsim 0.8.1 (for comparison), onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
#
# Expected: RandomNormal has no inputs, but it is no constant: each run draws new numbers. A tool that
#   simplifies a model must keep it. onnxsim does.
#
# Behaviour: with onnxruntime beside it, onnxslim runs the node once and stores the result. The output is the same in
#   each run. RandomUniform goes the same way. No warning is given.
#
# Output seen, a model that adds noise, 8 runs on one input:
#   original 8 different results   onnxsim 8 different results   onnxslim 1 result, nodes: Add
#
# For people who serve models: networks with noise inside (stochastic smoothing, sampling several
#   times to get an uncertainty) lose their effect: the spread of the answers is zero, which
#   reads as full certainty. Feed noise as an input, or leave such models as they are.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnxslim==0.1.98 onnxsim==0.8.1 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnxruntime as ort, onnxsim, onnxslim
from onnx import TensorProto as T, helper as h

info = lambda name: h.make_tensor_value_info(name, T.FLOAT, ["N", 4])

def spread(model):
    session = ort.InferenceSession(model.SerializeToString())
    x = np.zeros((1, 4), np.float32)
    return len({session.run(None, {"x": x})[0].tobytes() for _ in range(8)})

for op in ("RandomNormal", "RandomUniform"):
    graph = h.make_graph([h.make_node(op, [], ["noise"], shape=[4]), h.make_node("Add", ["x", "noise"], ["y"])],
                         "g", [info("x")], [info("y")])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=10)
    slim = onnxslim.slim(model)
    nodes = [n.op_type for n in slim.graph.node]
    found = spread(model), spread(onnxsim.simplify(model)[0]), spread(slim)
    print(op, "different results of 8: original %d, onnxsim %d, onnxslim %d" % found, "nodes:", *nodes)
    assert found == (8, 8, 1) and nodes == ["Add"], f"{op}: changed"
PY
