#!/usr/bin/env bash
# onnx.utils.extract_model drops the metadata of a model when it cuts out a part.
#
# Packages: onnx 1.23.2.
#
# Expected: the cut-out part keeps metadata_props, model_version, producer_name and doc_string, as it
#   keeps the weights, the opset and the IR version. onnx.compose.merge_models does keep metadata_props.
#
# Behaviour: all four are gone or replaced. metadata_props and doc_string are empty, model_version
#   is 0, and producer_name is "onnx.utils.extract_model".
#
# Output seen:
#   before  metadata {'labels': 'cat,dog'}, version 7, producer 'trainer', doc 'two exits'
#   after   metadata {}, version 0, producer 'onnx.utils.extract_model', doc ''
#
# For people who serve models: this is the usual tool to cut an early exit or a feature extractor out
#   of a network. Class names, mean and standard deviation often live in metadata_props, and a server
#   then falls back to its defaults without an error. Copy these fields over after each cut.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2
v/bin/python - <<'PY'
import onnx
from onnx import TensorProto as T, compose, helper as h, utils

def facts(model):
    return ({p.key: p.value for p in model.metadata_props}, model.model_version,
            model.producer_name, model.doc_string)

info = lambda name: h.make_tensor_value_info(name, T.FLOAT, ["N", 3])
graph = h.make_graph([h.make_node("Relu", ["x"], ["early"]), h.make_node("Softmax", ["early"], ["late"])],
                     "g", [info("x")], [info("early"), info("late")])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=10, model_version=7,
                     producer_name="trainer", doc_string="two exits")
h.set_model_props(model, {"labels": "cat,dog"})
onnx.save(model, "whole.onnx")
utils.extract_model("whole.onnx", "part.onnx", ["x"], ["early"])
part = onnx.load("part.onnx")

line = "{:7} metadata {}, version {}, producer {!r}, doc {!r}"
print(line.format("before", *facts(model)))
print(line.format("after", *facts(part)))
assert [n.op_type for n in part.graph.node] == ["Relu"], "the cut itself changed"
assert (part.ir_version, part.opset_import[0].version) == (10, 17), "the versions are not kept"
assert facts(part) == ({}, 0, "onnx.utils.extract_model", ""), f"changed: {facts(part)}"

again = h.make_model(graph, opset_imports=model.opset_import, ir_version=10)
merged = compose.merge_models(model, again, [("late", "x")], prefix1="a_", prefix2="b_")
assert facts(merged)[0] == {"labels": "cat,dog"}, f"merge_models now drops metadata too: {facts(merged)}"
print("merged  metadata", facts(merged)[0])
PY
