#!/usr/bin/env bash
# onnxruntime accepts a big-endian NumPy array and reads its bytes as if they were little-endian.
#
# Packages: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Expected: an array of dtype ">f4" is a normal NumPy array. onnxruntime should convert it, as it
#   does with transposed arrays, or raise an error, as it does with float64 arrays.
#
# Behaviour: the type check passes, because the array says float32. The bytes go into the model
#   without a swap. The outputs are tiny or huge numbers. No error and no warning.
#
# Output seen for an Identity model and the input [1.0, 2.0, -3.0]:
#   ">f4" 4.6006e-41 8.9683e-44 2.3228e-41, and a float64 array raises INVALID_ARGUMENT
#
# For people who serve models: big-endian arrays come from FITS and NetCDF images, from old .npy
#   files and from numpy.frombuffer on network data. Call x.astype(np.float32) before each run;
#   numpy.asarray(x, np.float32) does it too.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import sys
import numpy as np, onnxruntime as ort
from onnx import TensorProto as T, helper as h

assert sys.byteorder == "little", "this check needs a little-endian machine"
info = lambda name: h.make_tensor_value_info(name, T.FLOAT, [3])
graph = h.make_graph([h.make_node("Identity", ["x"], ["y"])], "g", [info("x")], [info("y")])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=10)
session = ort.InferenceSession(model.SerializeToString())
run = lambda x: session.run(None, {"x": x})[0]

x = np.array([1, 2, -3], np.float32)
big = x.astype(">f4")
assert np.array_equal(big, x) and np.array_equal(run(x), x)
y = run(big)
print('">f4"', *(f"{v:.4e}" for v in y))
assert np.array_equal(y, big.view("<f4")), f"the bytes are no longer taken as they are: {y}"
assert np.array_equal(run(big.astype(np.float32)), x), "a converted copy fails too"
try:
    run(x.astype(np.float64))
    raise SystemExit("a float64 array is now accepted")
except ort.capi.onnxruntime_pybind11_state.InvalidArgument:
    print("float64: INVALID_ARGUMENT")
PY
