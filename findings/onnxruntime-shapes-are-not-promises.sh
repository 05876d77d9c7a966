#!/usr/bin/env bash
# onnxruntime checks neither shared dimension names nor declared output shapes.
#
# Packages: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Expected: two inputs of shape ("N", 3) must have the same N in one run. An output declared as
#   ("N", 4) has N rows and four columns, or the run fails.
#
# Behaviour: a name is only a label. Each input may have another N, and the model broadcasts if it
#   can. An output with another shape than declared is returned as it is, with a warning in the log
#   and no error. Only the fixed sizes of inputs are checked.
#
# Output seen:
#   Add of ("N", 3) and ("N", 3), fed with (1, 3) and (4, 3): result (4, 3)
#   output declared ("N", 4), fed with x of (2, 4): result (8, 1)
#   input declared (1, 3), fed with (4, 3): INVALID_ARGUMENT
#
# For people who serve models: check yourself that all inputs of a request have one batch size and
#   that the output has one row per image. Otherwise images can get the answers of other images.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h

ort.set_default_logger_severity(4)

def run(node, inputs, output, feeds):
    info = lambda name, shape: h.make_tensor_value_info(
        name, T.INT64 if name == "shape" else T.FLOAT, shape)
    graph = h.make_graph([node], "g", [info(*i) for i in inputs], [info("y", output)])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString())
    return session.run(None, feeds)[0].shape

zeros = lambda *shape: np.zeros(shape, np.float32)
named = run(h.make_node("Add", ["a", "b"], ["y"]), [("a", ["N", 3]), ("b", ["N", 3])], ["N", 3],
            {"a": zeros(1, 3), "b": zeros(4, 3)})
print('("N", 3) + ("N", 3) with N = 1 and N = 4:', named)
assert named == (4, 3), f"the two N are now compared: {named}"

declared = run(h.make_node("Reshape", ["x", "shape"], ["y"]), [("x", ["N", 4]), ("shape", [2])], ["N", 4],
               {"x": zeros(2, 4), "shape": np.array([8, 1])})
print('output declared ("N", 4):', declared)
assert declared == (8, 1), f"another output: {declared}"

try:
    run(h.make_node("Relu", ["x"], ["y"]), [("x", [1, 3])], [1, 3], {"x": zeros(4, 3)})
    raise SystemExit("a fixed input size is no longer checked")
except ort.capi.onnxruntime_pybind11_state.InvalidArgument:
    print("input declared (1, 3) and fed with (4, 3): INVALID_ARGUMENT")
PY
