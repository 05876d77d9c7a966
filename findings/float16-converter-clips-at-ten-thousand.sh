#!/usr/bin/env bash
# The float16 converter of onnxconverter-common limits weights to 10000, not to 65504.
#
# Packages: onnxconverter-common 1.16.0, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
#
# Expected: a number that float16 can hold keeps its value. The largest is 65504. Numbers too small
#   for float16 become zero, or the nearest small float16 number (the smallest is about 6e-8).
#
# Behaviour: convert_float_to_float16 moves each weight into the range 1e-7 ... 10000 first.
#   20000 becomes 10000. 1e-9 becomes 1e-7, that is one hundred times more. The limits are the
#   default values of max_finite_val and min_positive_val. A Python warning is the only sign.
#
# Output seen:
#   20000 -> 10000   65504 -> 10000   -30000 -> -10000   1e-09 -> 1.19209e-07   0 -> 0
#   BatchNormalization with mean 0 and variance 40000, input 200: float32 1.0, converted model 2.0
#
# For people who serve models: a network that takes pixels from 0 to 255 often has a large variance in
#   its first BatchNormalization. This layer then scales wrongly, here by two. Pass
#   max_finite_val=65504 and a small min_positive_val, and make warnings stop the conversion.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnxconverter-common==1.16.0 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import warnings
import numpy as np, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper
from onnxconverter_common.float16 import convert_float_to_float16

warnings.simplefilter("ignore")

def model(node, shape, weights):
    info = lambda name: h.make_tensor_value_info(name, T.FLOAT, shape)
    graph = h.make_graph([node], "g", [info("x")], [info("y")],
                         [numpy_helper.from_array(np.float32(v), k) for k, v in weights.items()])
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)

values = [20000, 65504, -30000, 1e-9, 0]
add = lambda: model(h.make_node("Add", ["x", "w"], ["y"]), [5], {"w": values})
stored = numpy_helper.to_array(convert_float_to_float16(add()).graph.initializer[0])
print(*(f"{a:g} -> {float(b):g}" for a, b in zip(values, stored)), sep="   ")
want = np.float16([10000, 10000, -10000, 1e-7, 0])
assert np.array_equal(stored, want), f"the limits changed: {stored}"

wide = convert_float_to_float16(add(), max_finite_val=65504, min_positive_val=1e-10)
kept = numpy_helper.to_array(wide.graph.initializer[0])
assert np.array_equal(kept, np.float16(values)), f"wider limits no longer keep the values: {kept}"

norm = h.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "var"], ["y"])
layer = lambda: model(norm, [1, 1], {"scale": [1], "bias": [0], "mean": [0], "var": [40000]})
run = lambda m: ort.InferenceSession(m.SerializeToString()).run(None, {"x": np.float32([[200]])})[0].item()
before, after = run(layer()), run(convert_float_to_float16(layer(), keep_io_types=True))
print(f"BatchNormalization: float32 {before:.1f}, converted {after:.1f}")
assert round(before, 2) == 1 and round(after, 2) == 2, f"the layer changed: {before}, {after}"
PY
