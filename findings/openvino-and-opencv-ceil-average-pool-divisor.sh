#!/usr/bin/env bash
# OpenVINO and OpenCV divide by another number than onnxruntime in AveragePool with ceil_mode=1.
#
# Packages: openvino 2026.4.1, opencv-python-headless 5.0.0.93 (cv2.dnn), onnxruntime 1.32.0,
#   onnx 1.23.2 (its reference evaluator), numpy 2.4.6.
#
# Expected: count_include_pad=1 counts the zeros that "pads" adds. With ceil_mode=1 the last window
#   can hang over even the padded image. These last cells are not padding, so they do not count.
#   PyTorch defines it this way. onnxruntime and the reference of onnx agree.
#
# Behaviour: OpenVINO and OpenCV always divide by the full window, here 9. Only the last row and the
#   last column of the output are wrong, so the error is easy to miss.
#
# Output seen, 6x6 ones, kernel 3, stride 2, pads 1, last column of the output (4 values):
#   onnxruntime 0.3333 0.5000 0.5000 0.2500   openvino and opencv 0.2222 0.3333 0.3333 0.1111
#
# For people who serve models: networks exported from PyTorch with AvgPool2d(3, 2, 1, ceil_mode=True)
#   score differently on these engines. Set count_include_pad=0 when you train, or pick an input size
#   that needs no rounding (odd sizes here).
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

def pool(size, count_include_pad):
    x = np.ones((1, 1, size, size), np.float32)
    node = h.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2],
                       pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=count_include_pad)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", T.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, 1, 4, 4])])
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 19)], ir_version=8).SerializeToString()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    net.setInput(x)
    found = {
        "onnxruntime": ort.InferenceSession(data).run(None, {"x": x})[0],
        "reference": ReferenceEvaluator(data).run(None, {"x": x})[0],
        "openvino": core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0],
        "opencv": net.forward(),
    }
    return {name: y[0, 0, :, -1] for name, y in found.items()}

ninths, clipped = np.array([2, 3, 3, 1]) / 9, [1 / 3, 1 / 2, 1 / 2, 1 / 4]
for name, column in pool(6, 1).items():
    print(f"{name:12}", *(f"{v:.4f}" for v in column))
    want = clipped if name in ("onnxruntime", "reference") else ninths
    assert np.allclose(column, want, atol=1e-5), f"{name} now gives {column}"
for size, count_include_pad in ((6, 0), (7, 1)):
    rows = list(pool(size, count_include_pad).values())
    assert all(np.allclose(r, rows[0], atol=1e-5) for r in rows), f"the engines differ for size {size} too: {rows}"
print("all agree with count_include_pad=0, and with an odd size")
PY
