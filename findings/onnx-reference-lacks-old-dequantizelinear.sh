#!/usr/bin/env bash
# The reference evaluator of onnx cannot load a quantised model below opset 19.
#
# Packages: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
#
# Expected: onnx.reference defines the right result, so it runs each standard operator in each
#   opset. QuantizeLinear and DequantizeLinear exist since opset 10.
#
# Behaviour: QuantizeLinear works in all opsets. DequantizeLinear works from opset 19 on. Below it,
#   the evaluator refuses the model at once with a RuntimeError. The same file runs in onnxruntime.
#
# Output seen:
#   opset 10, 13, 17, 18: QuantizeLinear runs, DequantizeLinear RuntimeError
#   opset 19, 21:         QuantizeLinear runs, DequantizeLinear runs
#
# For people who serve models: a quantiser often keeps the opset of the model it gets, for example 17.
#   Then the official reference cannot tell which engine is right about the int8 model. Export with
#   opset 19 or higher before you quantise.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper
from onnx.reference import ReferenceEvaluator

def outcome(op, opset):
    source, target = (T.FLOAT, T.UINT8) if op == "QuantizeLinear" else (T.UINT8, T.FLOAT)
    weights = [numpy_helper.from_array(np.array(2, np.float32), "scale"),
               numpy_helper.from_array(np.array(0, np.uint8), "zero")]
    graph = h.make_graph([h.make_node(op, ["x", "scale", "zero"], ["y"])], "g",
                         [h.make_tensor_value_info("x", source, [1])],
                         [h.make_tensor_value_info("y", target, [1])], weights)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    feeds = {"x": np.array([4], h.tensor_dtype_to_np_dtype(source))}
    right = 2 if op == "QuantizeLinear" else 8
    assert ort.InferenceSession(model.SerializeToString()).run(None, feeds)[0] == [right]
    try:
        assert ReferenceEvaluator(model).run(None, feeds)[0] == [right]
        return "runs"
    except RuntimeError as error:
        assert "No implementation" in str(error), error
        return "RuntimeError"

for opset in (10, 13, 17, 18, 19, 21):
    found = {op: outcome(op, opset) for op in ("QuantizeLinear", "DequantizeLinear")}
    print(f"opset {opset}:", ", ".join(f"{op} {result}" for op, result in found.items()))
    assert found["QuantizeLinear"] == "runs", f"QuantizeLinear fails in opset {opset}"
    want = "RuntimeError" if opset < 19 else "runs"
    assert found["DequantizeLinear"] == want, f"opset {opset}: DequantizeLinear {found['DequantizeLinear']}"
PY
