#!/usr/bin/env bash
# Four engines give three different answers for Softmax in an old ONNX model.
#
# Packages: onnx 1.23.2 (its reference evaluator), onnxruntime 1.32.0, openvino 2026.4.1,
#   opencv-python-headless 5.0.0.93 (cv2.dnn), numpy 2.4.6.
#
# Expected: Softmax with opset 12 or lower flattens the tensor to two dimensions at "axis"
#   (1 if not given) and makes each ROW sum to one. A tensor of shape (1, 2, 3) is one row of six.
#   Every engine should follow this rule, the official reference first of all.
#
# Behaviour: only onnxruntime follows the rule. The official reference takes the last axis,
#   as if the model had opset 13. OpenVINO and OpenCV take axis 1 alone, without flattening.
#   No engine warns. For two-dimensional logits the answers agree, which hides the problem.
#
# Output seen, for six equal inputs of shape (1, 2, 3):
#   onnxruntime 0.1667   reference 0.3333   openvino 0.5000   opencv 0.5000
#
# For people who serve models: a classifier whose logits keep extra dimensions (N, C, 1, 1) or
#   (N, steps, C) and whose opset is below 13 changes its probabilities with the engine.
#   Reshape logits to (N, C) before Softmax, or export with opset 13 or higher.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 \
  openvino==2026.4.1 opencv-python-headless==5.0.0.93 numpy==2.4.6
v/bin/python - <<'PY'
import cv2, numpy as np, onnxruntime as ort, openvino as ov
from onnx import TensorProto as T, helper as h
from onnx.reference import ReferenceEvaluator

core = ov.Core()

def answers(shape):
    info = lambda name: h.make_tensor_value_info(name, T.FLOAT, shape)
    graph = h.make_graph([h.make_node("Softmax", ["x"], ["y"])], "g", [info("x")], [info("y")])
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 11)], ir_version=8).SerializeToString()
    x = np.zeros(shape, np.float32)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    net.setInput(x)
    found = {
        "onnxruntime": ort.InferenceSession(data).run(None, {"x": x})[0],
        "reference": ReferenceEvaluator(data).run(None, {"x": x})[0],
        "openvino": core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0],
        "opencv": net.forward(),
    }
    for name, y in found.items():
        assert np.ptp(y) < 1e-6, f"{name}: equal inputs gave unequal outputs: {y}"
    return {name: round(float(np.ravel(y)[0]), 4) for name, y in found.items()}

deep = answers([1, 2, 3])
print(*(f"{name} {value:.4f}" for name, value in deep.items()), sep="   ")
assert deep == {"onnxruntime": 0.1667, "reference": 0.3333, "openvino": 0.5, "opencv": 0.5}, f"changed: {deep}"
flat = answers([1, 4])
assert set(flat.values()) == {0.25}, f"the engines no longer agree on plain logits: {flat}"
PY
