#!/usr/bin/env bash
# quantize_static of onnxruntime quantises BatchNormalization itself, with one range for all channels.
#
# Packages: onnxruntime 1.32.0, onnx 1.23.2, sympy 1.14.0 (for the pre-processing), numpy 2.4.6.
#
# Expected: BatchNormalization after Conv is joined with it before anything is quantised, as the engine
#   does at load time. At least per_channel=True gives each channel its own scale.
#
# Behaviour: the function joins nothing by itself. It stores the scales of BatchNormalization as int8
#   with one common step, also with per_channel=True. A channel whose scale is below half of this
#   step gets scale 0 and is dead. After quant_pre_process, the same call works well.
#
# Output seen for scales 0.3 1 1 100 (float outputs 0.15 0.5 0.5 0.5):
#   plain        stored scales 0 1 1 127, nodes 15, outputs 0 0.392 0.392 0.392
#   pre-process  no BatchNormalization,   nodes 10, outputs 0.149 0.498 0.498 0.498
#
# For people who serve models: a quantised model with a few dead channels still answers, only worse.
#   Always run quant_pre_process first, and search the result for BatchNormalization.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 sympy==1.14.0 numpy==2.4.6
v/bin/python - <<'PY'
import logging
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

logging.disable(logging.WARNING)
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
image = lambda value: np.full((1, 3, 8, 8), value, np.float32)

class Images(CalibrationDataReader):
    def __init__(self):
        self.images = iter([{"x": image(0)}, {"x": image(1)}])
    def get_next(self):
        return next(self.images, None)

kernel = np.ones((4, 3, 3, 3)) / 27
kernel[3] /= 100
weights = {"w": kernel, "b": np.zeros(4), "scale": [0.3, 1, 1, 100], "var": np.ones(4)}
nodes = [h.make_node("Conv", ["x", "w", "b"], ["c"]),
         h.make_node("BatchNormalization", ["c", "scale", "b", "b", "var"], ["n"]),
         h.make_node("Relu", ["n"], ["r"]), h.make_node("GlobalAveragePool", ["r"], ["y"])]
graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, ["N", 3, 8, 8])],
                     [h.make_tensor_value_info("y", T.FLOAT, ["N", 4, 1, 1])],
                     [numpy_helper.from_array(np.float32(v), k) for k, v in weights.items()])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), "plain.onnx")
quant_pre_process("plain.onnx", "ready.onnx")

run = lambda path: ort.InferenceSession(path, options).run(None, {"x": image(0.5)})[0].ravel()
print("float", run("plain.onnx").round(3))
found = {}
for name in ("plain", "ready"):
    quantize_static(f"{name}.onnx", "int8.onnx", Images(), per_channel=True)
    model = onnx.load("int8.onnx")
    kinds = [n.op_type for n in model.graph.node]
    stored = [numpy_helper.to_array(t).tolist() for t in model.graph.initializer if t.name == "scale_quantized"]
    y = run("int8.onnx")
    print(name, "nodes", len(kinds), "stored scales", *stored, "outputs", y.round(3))
    found[name] = len(kinds), "BatchNormalization" in kinds, stored, y

count, kept, stored, y = found["plain"]
assert (count, kept, stored) == (15, True, [[0, 1, 1, 127]]), f"quantize_static changed: {count} {kept} {stored}"
assert y[0] == 0, f"channel 0 is no longer dead: {y}"
count, kept, stored, y = found["ready"]
assert (count, kept, stored) == (10, False, []), f"pre-processing changed: {count} {kept} {stored}"
assert np.allclose(y, [0.15, 0.5, 0.5, 0.5], atol=0.01), f"the prepared model is wrong too: {y}"
PY
