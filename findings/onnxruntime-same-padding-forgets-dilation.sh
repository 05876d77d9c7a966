#!/usr/bin/env bash
# onnxruntime gets SAME padding wrong, or refuses it, when a layer is dilated.
#
# Packages: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6. Compared with the reference in onnx.
#
# Expected: auto_pad=SAME_UPPER with stride 1 keeps height and width, whatever the dilation.
#   The padding must grow with the dilated kernel: 3x3 with dilation 2 covers 5x5 and needs 4 pixels.
#
# Behaviour of MaxPool: onnxruntime pads for the kernel without dilation (2 pixels, not 4).
#   An 8x8 input gives 6x6. The session itself still promises 8x8. Only a log warning tells.
# Behaviour of Conv: the session loads and promises 8x8, but each run raises
#   "Dilation not supported for AutoPadType::SAME_UPPER". Nothing fails at load time.
#
# Output seen:
#   MaxPool: promised [1, 1, 8, 8], reference (1, 1, 8, 8), onnxruntime (1, 1, 6, 6)
#   Conv:    promised [1, 1, 8, 8], reference (1, 1, 8, 8), onnxruntime INVALID_ARGUMENT
#
# For people who serve models: a model that loads may still never run, so run each model once
#   at start-up and compare shapes. Write explicit "pads" for dilated (atrous) layers.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)
x = np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)

def layer(op, inputs, **attributes):
    info = lambda name: h.make_tensor_value_info(name, T.FLOAT, [1, 1, 8, 8])
    node = h.make_node(op, inputs, ["y"], auto_pad="SAME_UPPER", dilations=[2, 2], **attributes)
    weights = [numpy_helper.from_array(np.ones((1, 1, 3, 3), np.float32), "w")] if len(inputs) > 1 else []
    model = h.make_model(h.make_graph([node], "g", [info("x")], [info("y")], weights),
                         opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString())
    try:
        got = session.run(None, {"x": x})[0].shape
    except Exception as error:
        assert "Dilation not supported" in str(error), f"{op}: another error: {error}"
        got = "INVALID_ARGUMENT"
    reference = ReferenceEvaluator(model).run(None, {"x": x})[0].shape
    promised = session.get_outputs()[0].shape
    print(f"{op}: promised {promised}, reference {reference}, onnxruntime {got}")
    assert promised == [1, 1, 8, 8] and reference == (1, 1, 8, 8), f"{op}: the promise changed"
    return got

pool = layer("MaxPool", ["x"], kernel_shape=[3, 3])
assert pool == (1, 1, 6, 6), f"MaxPool no longer shrinks: {pool}"
conv = layer("Conv", ["x", "w"])
assert conv == "INVALID_ARGUMENT", f"Conv now runs and gives {conv}"
PY
