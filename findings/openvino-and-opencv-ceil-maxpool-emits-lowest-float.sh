#!/usr/bin/env bash
# OpenVINO and OpenCV put -3.4e38 into the output of a MaxPool with ceil_mode=1.
#
# Packages: openvino 2026.4.1, opencv-python-headless 5.0.0.93 (cv2.dnn), onnxruntime 1.32.0,
#   onnx 1.23.2 (shape inference and reference evaluator), numpy 2.4.6.
#
# Expected: ceil_mode=1 rounds the output size up, but a window that would start outside the input
#   is left out. PyTorch has this rule, and the text of ONNX opset 22 has it too.
#   So kernel 1, stride 2 on 4x4 gives 2x2.
#
# Behaviour: OpenVINO and OpenCV keep the empty windows and give 3x3. The maximum of no values is
#   the lowest float32, and this value goes on into the next layer. OpenVINO does it right for
#   AveragePool. OpenCV does not: there the empty windows become NaN.
#   The shape inference of onnx itself says 3x3 below opset 22 and 2x2 from opset 22 on.
#
# Output seen, same for opset 12 and opset 22 except the inferred shape:
#   MaxPool      onnxruntime 0 2 8 10   openvino 0 2 -3.4e+38 8 10 -3.4e+38 ... (9 values), opencv the same
#   AveragePool  onnxruntime 0 2 8 10   openvino 0 2 8 10   opencv 0 2 nan 8 10 nan nan nan nan
#   inferred by onnx: opset 12 (3, 3), opset 22 (2, 2)
#
# For people who serve models: if a pool has ceil_mode=1 and a stride above its kernel size, check
#   the shape of the feature map on the target engine. Do not trust the inferred shape.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 \
  openvino==2026.4.1 opencv-python-headless==5.0.0.93 numpy==2.4.6
v/bin/python - <<'PY'
import cv2, numpy as np, onnx, onnxruntime as ort, openvino as ov
from onnx import TensorProto as T, helper as h
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)
core = ov.Core()
x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
lowest = np.finfo(np.float32).min

def pool(op, opset):
    node = h.make_node(op, ["x"], ["y"], kernel_shape=[1, 1], strides=[2, 2], ceil_mode=1)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", T.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, 1, "H", "W"])])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)
    dims = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim
    data = model.SerializeToString()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    net.setInput(x)
    return (dims[2].dim_value, dims[3].dim_value), {
        "onnxruntime": ort.InferenceSession(data).run(None, {"x": x})[0],
        "reference": ReferenceEvaluator(data).run(None, {"x": x})[0],
        "openvino": core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0],
        "opencv": net.forward(),
    }

right = [0, 2, 8, 10]
filled = lambda v: [0, 2, v, 8, 10, v, v, v, v]
want = {
    "MaxPool": {"openvino": filled(lowest), "opencv": filled(lowest)},
    "AveragePool": {"opencv": filled(np.nan)},
}
for opset, inferred in ((12, (3, 3)), (22, (2, 2))):
    for op in want:
        shape, found = pool(op, opset)
        print(f"opset {opset} {op}, inferred {shape}")
        assert shape == inferred, f"{op}: shape inference now says {shape} for opset {opset}"
        for name, y in found.items():
            print("  ", name, *(f"{v:.3g}" for v in y.ravel()))
            expected = np.array(want[op].get(name, right), np.float32)
            assert np.array_equal(y.ravel(), expected, equal_nan=True), f"{op}: {name} changed"
PY
