#!/usr/bin/env bash
# onnxruntime does not simplify a model whose weights are also listed as inputs, and hides that.
#
# Packages: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Expected: a weight with a stored value is a constant. Old exporters list each weight among the
#   graph inputs too (IR version 3 requires it), but nobody feeds them. The optimiser should join
#   Conv, BatchNormalization and Relu into one node in either case.
#
# Behaviour: for IR version 4 and above, a weight that is listed as an input can be replaced in each
#   run, so it is no constant, and no fusion happens. session.get_inputs() does not show these
#   names; get_overridable_initializers() does. The results are equal, so nothing looks wrong.
#   The old IR version 3, where the list is a duty, is treated as constant and is fused.
#
# Output seen, nodes after optimisation (level EXTENDED):
#   weights not listed             FusedConv GlobalAveragePool
#   weights listed, IR version 4+  Conv BatchNormalization Relu GlobalAveragePool
#   weights listed, IR version 3   FusedConv GlobalAveragePool
#
# For people who serve models: if a model is slower than expected, look at
#   get_overridable_initializers(). If it is not empty, take these names out of graph.input.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper

ort.set_default_logger_severity(4)
weights = {"w": np.ones((8, 3, 3, 3)), "b": np.zeros(8), "scale": np.ones(8), "mean": np.zeros(8), "var": np.ones(8)}

def optimised(listed, ir_version):
    info = lambda name, shape: h.make_tensor_value_info(name, T.FLOAT, shape)
    nodes = [h.make_node("Conv", ["x", "w", "b"], ["c"]),
             h.make_node("BatchNormalization", ["c", "scale", "b", "mean", "var"], ["n"]),
             h.make_node("Relu", ["n"], ["r"]), h.make_node("GlobalAveragePool", ["r"], ["y"])]
    inputs = [info("x", [1, 3, 8, 8])] + [info(k, v.shape) for k, v in weights.items() if listed]
    graph = h.make_graph(nodes, "g", inputs, [info("y", [1, 8, 1, 1])],
                         [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 12)], ir_version=ir_version)
    onnx.checker.check_model(model, full_check=True)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = "optimised.onnx"
    session = ort.InferenceSession(model.SerializeToString(), options)
    y = session.run(None, {"x": np.ones((1, 3, 8, 8), np.float32)})[0]
    assert np.allclose(y, 27, atol=1e-2), y
    return ([n.op_type for n in onnx.load("optimised.onnx").graph.node],
            [i.name for i in session.get_inputs()], len(session.get_overridable_initializers()))

fused = ["FusedConv", "GlobalAveragePool"]
plain = ["Conv", "BatchNormalization", "Relu", "GlobalAveragePool"]
for listed, ir_version, want in ((False, 8, (fused, ["x"], 0)), (True, 8, (plain, ["x"], 5)), (True, 3, (fused, ["x"], 0))):
    found = optimised(listed, ir_version)
    print(f"listed {listed}, IR version {ir_version}: nodes {' '.join(found[0])}, inputs {found[1]}, overridable {found[2]}")
    assert found == want, f"listed {listed}, IR version {ir_version}: expected {want}"
PY
