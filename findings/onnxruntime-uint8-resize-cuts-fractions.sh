#!/usr/bin/env bash
# onnxruntime cuts off the fraction when it resizes uint8 images, except with antialias.
#
# Packages: onnxruntime 1.32.0, onnx 1.23.2 (its reference evaluator), numpy 2.4.6.
#
# Expected: a resized uint8 image is the float result, rounded. A layer that cannot do a mode says so
#   when the model loads.
#
# Behaviour: linear mode cuts the fraction off: 10.75 becomes 10. Resized images get darker, by half
#   a grey level on average. With antialias=1 the same numbers are rounded: 10.75 becomes 11.
#   In cubic mode without antialias the session loads, but every run fails. With antialias it runs.
#   The reference of onnx rounds in all these cases.
#
# Output seen, pixels 10 11 12 13 made 8 wide:
#   linear, float32                 10 10.25 10.75 11.25 11.75 12.25 12.75 13
#   linear, uint8, antialias=0      10 10 10 11 11 12 12 13
#   linear, uint8, antialias=1      10 10 11 11 12 12 13 13
#   cubic,  uint8, antialias=0      run fails ("Tensor type mismatch")
#   cubic,  uint8, antialias=1      10 10 11 11 12 12 13 13
#
# For people who serve models: if the model resizes inside, cast to float before Resize and round
#   after it. And run each model once at start-up, because a good load promises nothing.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnx, onnxruntime as ort
from onnx import helper as h, numpy_helper
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)

def resize(dtype, mode, antialias):
    kind = h.np_dtype_to_tensor_dtype(np.dtype(dtype))
    node = h.make_node("Resize", ["x", "", "", "size"], ["y"], mode=mode, antialias=antialias)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", kind, [1, 1, 1, 4])],
                         [h.make_tensor_value_info("y", kind, [1, 1, 1, 8])],
                         [numpy_helper.from_array(np.array([1, 1, 1, 8]), "size")])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString())
    feeds = {"x": np.array([10, 11, 12, 13], dtype).reshape(1, 1, 1, 4)}
    reference = ReferenceEvaluator(model).run(None, feeds)[0].ravel().tolist()
    try:
        return session.run(None, feeds)[0].ravel().tolist(), reference
    except Exception as error:
        assert "Tensor type mismatch" in str(error), error
        return "run fails", reference

cut, rounded = [10, 10, 10, 11, 11, 12, 12, 13], [10, 10, 11, 11, 12, 12, 13, 13]
floats, _ = resize("float32", "linear", 0)
print("linear float32", *(f"{v:g}" for v in floats))
assert np.allclose(floats, [10, 10.25, 10.75, 11.25, 11.75, 12.25, 12.75, 13]), floats
for mode, antialias, want in (("linear", 0, cut), ("linear", 1, rounded), ("cubic", 0, "run fails"), ("cubic", 1, rounded)):
    found, reference = resize("uint8", mode, antialias)
    print(f"{mode} uint8 antialias={antialias}:", found, "reference:", reference)
    assert found == want, f"{mode}, antialias={antialias}: now {found}"
    assert reference == rounded, f"the reference now gives {reference}"
PY
