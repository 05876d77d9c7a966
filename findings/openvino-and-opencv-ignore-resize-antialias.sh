#!/usr/bin/env bash
# OpenVINO and OpenCV read the ONNX attribute "antialias" of Resize and then ignore it.
#
# Packages: openvino 2026.4.1, opencv-python-headless 5.0.0.93 (cv2.dnn), onnxruntime 1.32.0,
#   onnx 1.23.2 (its reference evaluator), numpy 2.4.6.
#
# Expected: Resize with antialias=1 (opset 18 or higher) widens the filter when it makes an image
#   smaller, as Pillow and torchvision do. An engine that cannot do this should refuse the model.
#
# Behaviour: both engines import the model without an error or a warning and compute the plain
#   resize, as if antialias were 0. onnxruntime and the reference follow the attribute.
#
# Output seen, a ramp of 5 pixels (0 1 2 3 4) made 2 pixels wide, linear mode:
#   antialias 0: onnxruntime 0.75 3.25, reference 0.75 3.25, openvino 0.75 3.25, opencv 0.75 3.25
#   antialias 1: onnxruntime 0.88 3.12, reference 0.88 3.12, openvino 0.75 3.25, opencv 0.75 3.25
#
# For people who serve models: a model that carries its own resize gets other pixels, and so other
#   scores, on these engines. Resize outside the model, or test the engine with a small ramp first.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 \
  openvino==2026.4.1 opencv-python-headless==5.0.0.93 numpy==2.4.6
v/bin/python - <<'PY'
import cv2, numpy as np, onnxruntime as ort, openvino as ov
from onnx import TensorProto as T, helper as h, numpy_helper
from onnx.reference import ReferenceEvaluator

core = ov.Core()

x = np.tile(np.arange(5, dtype=np.float32), (1, 1, 5, 1))

def resize(antialias):
    node = h.make_node("Resize", ["x", "", "", "size"], ["y"], mode="linear", antialias=antialias)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 1, 5, 5])],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, 1, 2, 2])],
                         [numpy_helper.from_array(np.array([1, 1, 2, 2]), "size")])
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=8).SerializeToString()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    net.setInput(x)
    return {
        "onnxruntime": ort.InferenceSession(data).run(None, {"x": x})[0],
        "reference": ReferenceEvaluator(data).run(None, {"x": x})[0],
        "openvino": core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0],
        "opencv": net.forward(),
    }

plain, smooth = [0.75, 3.25], [0.88, 3.12]
for antialias in (0, 1):
    rows = {name: y[0, 0, 0] for name, y in resize(antialias).items()}
    print(f"antialias {antialias}:", ", ".join(f"{name} {a:.2f} {b:.2f}" for name, (a, b) in rows.items()))
    for name, row in rows.items():
        want = smooth if antialias and name in ("onnxruntime", "reference") else plain
        assert np.allclose(row, want), f"{name} with antialias={antialias} now gives {row}"
PY
