#!/usr/bin/env bash
# onnxruntime computes all outputs of a model, also when you ask for one of them.
#
# Packages: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Expected: session.run(["early"], ...) runs only the nodes that "early" needs, as TensorFlow sessions
#   did. An early exit of a network then costs only the first layers.
#
# Behaviour: every node that leads to any output of the model runs. The list of names only selects what
#   is returned. The check below makes this visible without a clock: the output "late" has a
#   Gather with a bad index. Asking for "early" alone fails with the error of "late".
#   The profile of a run agrees: each node is in it.
#
# Output seen:
#   asked for "early" with a good index: result (1, 3), nodes run: Gather Relu
#   asked for "early" with a bad index:  INVALID_ARGUMENT from Gather
#   the same after extract_model:        result (1, 3), nodes run: Relu
#
# For people who serve models: leaving outputs out of run() saves no work, and an input that only a
#   late exit cannot take breaks the early one. Cut the model in parts, or put the late part into
#   an If branch.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import json
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, utils

ort.set_default_logger_severity(4)
info = h.make_tensor_value_info
graph = h.make_graph(
    [h.make_node("Relu", ["x"], ["early"]), h.make_node("Gather", ["x", "index"], ["late"], axis=1)], "g",
    [info("x", T.FLOAT, [1, 3]), info("index", T.INT64, [1])],
    [info("early", T.FLOAT, [1, 3]), info("late", T.FLOAT, [1, 1])])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=10), "whole.onnx")
utils.extract_model("whole.onnx", "early.onnx", ["x"], ["early"])

def ask(path, **feeds):
    options = ort.SessionOptions()
    options.enable_profiling = True
    session = ort.InferenceSession(path, options)
    try:
        shape = session.run(["early"], {"x": np.ones((1, 3), np.float32), **feeds})[0].shape
    except Exception as error:
        assert "running Gather" in str(error), error
        return "INVALID_ARGUMENT from Gather"
    finally:
        profile = json.load(open(session.end_profiling()))
    return shape, sorted({e["args"]["op_name"] for e in profile if "op_name" in e.get("args", {})})

good, bad, cut = ask("whole.onnx", index=np.array([0])), ask("whole.onnx", index=np.array([9])), ask("early.onnx")
print("good index:", good, "\nbad index:", bad, "\ncut model:", cut)
assert good == ((1, 3), ["Gather", "Relu"]), "the late node no longer runs"
assert bad == "INVALID_ARGUMENT from Gather", "a bad late index no longer matters"
assert cut == ((1, 3), ["Relu"]), "the cut model changed"
PY
