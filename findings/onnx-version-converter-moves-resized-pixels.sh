#!/usr/bin/env bash
# The ONNX version converter changes what a Resize or Upsample layer computes.
#
# Packages: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
#
# Expected: onnx.version_converter raises the opset of a model and keeps its results.
#   Opset 10 has one rule for Resize: source position = output position / scale.
#   Opset 11 calls this rule "asymmetric". Its own default is another rule, "half_pixel".
#   So the converter should write coordinate_transformation_mode="asymmetric" into the node.
#
# Behaviour: it writes no mode. The node gets the new default, and every pixel moves.
#   Upsample (opset 9) becomes Resize in the same way. No warning is given.
#   The checker accepts the result, and its shape is right, so only the values tell.
#
# Output seen:
#   before     0.00 0.50 1.00 1.50 2.00 2.50 3.00 3.00
#   Resize     0.00 0.25 0.75 1.25 1.75 2.25 2.75 3.00
#   Upsample   0.00 0.25 0.75 1.25 1.75 2.25 2.75 3.00
#
# For people who serve models: do not raise the opset of an old model with this tool
#   and trust it. Compare outputs before and after. If a model has Resize or Upsample,
#   add the mode "asymmetric" (and nearest_mode "floor") by hand.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper, version_converter

def scale_by_two(op, opset):
    scales = numpy_helper.from_array(np.array([1, 1, 1, 2], np.float32), "scales")
    graph = h.make_graph(
        [h.make_node(op, ["x", "scales"], ["y"], mode="linear")], "g",
        [h.make_tensor_value_info("x", T.FLOAT, [1, 1, 1, 4])],
        [h.make_tensor_value_info("y", T.FLOAT, [1, 1, 1, 8])], [scales])
    return h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)

def run(model):
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4)})[0].ravel()

show = lambda name, row: print(f"{name:10}", *(f"{v:.2f}" for v in row))
before = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
after = [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]
show("before", before)
for op, opset in (("Resize", 10), ("Upsample", 9)):
    old = scale_by_two(op, opset)
    new = version_converter.convert_version(old, 13)
    assert np.allclose(run(old), before), f"{op}: the old model now gives {run(old)}"
    show(op, run(new))
    assert np.allclose(run(new), after), f"{op}: the converter no longer moves pixels: {run(new)}"
PY
