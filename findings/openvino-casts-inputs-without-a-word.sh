#!/usr/bin/env bash
# The Python API of OpenVINO casts inputs to the type of the model, even when the values do not fit.
#
# Packages: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0 (for comparison), numpy 2.4.6.
#
# Expected: a model with a uint8 input refuses float32 and int64 arrays, as onnxruntime does.
#
# Behaviour: OpenVINO converts the array as NumPy does. Fractions are cut off, and integers wrap
#   around. An image scaled to 0 ... 1 becomes all zero, that is black. 300 becomes 44.
#   No error and no warning. Wrong shapes are refused.
#
# Output seen for a model that returns its uint8 input:
#   float32 0 0.25 0.5 0.99 -> 0 0 0 0      int64 1 255 300 -1 -> 1 255 44 255
#   onnxruntime: INVALID_ARGUMENT for both
#
# For people who serve models: after a change of the preprocessing, the service still runs but scores a
#   black image. Compare the dtype of the array with input.element_type before each call.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnxruntime as ort, openvino as ov
from onnx import TensorProto as T, helper as h

info = lambda name: h.make_tensor_value_info(name, T.UINT8, [4])
graph = h.make_graph([h.make_node("Identity", ["x"], ["y"])], "g", [info("x")], [info("y")])
data = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8).SerializeToString()
core = ov.Core()
model = core.compile_model(core.read_model(data), "CPU")
session = ort.InferenceSession(data)

for x, want in ((np.float32([0, 0.25, 0.5, 0.99]), [0, 0, 0, 0]), (np.int64([1, 255, 300, -1]), [1, 255, 44, 255])):
    y = model(x)[0]
    print(x.dtype, *(f"{v:g}" for v in x), "->", *y)
    assert y.dtype == np.uint8 and y.tolist() == want, f"OpenVINO now gives {y}"
    try:
        session.run(None, {"x": x})
        raise SystemExit(f"onnxruntime now accepts {x.dtype}")
    except ort.capi.onnxruntime_pybind11_state.InvalidArgument:
        print("onnxruntime: INVALID_ARGUMENT")
try:
    model(np.zeros(5, np.uint8))
    raise SystemExit("a wrong shape is now accepted")
except RuntimeError:
    print("wrong shape: RuntimeError")
PY
