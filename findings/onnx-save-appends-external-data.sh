#!/usr/bin/env bash
# onnx.save looks for an old data file in the wrong folder, so the data file grows with each save.
#
# Packages: onnx 1.23.2, numpy 2.4.6.
#
# Expected: "location" names the data file relative to the model. Saving a model again under the
#   same name replaces both files, or raises an error, wherever the program was started.
#
# Behaviour: the check for an old data file looks in the working folder, not beside the model.
#   If the model is saved into another folder, the check finds nothing, and onnx adds the weights at
#   the end of the old data file. The old weights stay inside. If the model is saved into the
#   working folder itself, the same call raises FileExistsError.
#   A save also empties the model in memory: its tensors then only point to the data file.
#
# Output seen, one 64x64 float32 matrix (16384 bytes):
#   out/model.onnx.data after 3 saves: 16384 32768 49152 bytes
#   the same saves started inside the folder: FileExistsError at the second save
#   model in memory: 16479 bytes before a save, 153 bytes after it
#
# For people who serve models: a script that trains and saves in a loop ships all older versions of
#   the weights in one file. Delete the data file before each save. Never build a session from
#   the model object after a save; build it from the file.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
mkdir out
v/bin/python - <<'PY'
import os
import numpy as np, onnx
from onnx import TensorProto as T, helper as h, numpy_helper

def save_new(path):
    info = lambda name: h.make_tensor_value_info(name, T.FLOAT, ["N", 64])
    weights = numpy_helper.from_array(np.ones((64, 64), np.float32), "w")
    graph = h.make_graph([h.make_node("MatMul", ["x", "w"], ["y"])], "g", [info("x")], [info("y")], [weights])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=10)
    before = model.ByteSize()
    onnx.save(model, path, save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    return before, model.ByteSize()

sizes = []
for _ in range(3):
    before, after = save_new("out/model.onnx")
    sizes.append(os.path.getsize("out/model.onnx.data"))
print("data file after 3 saves:", *sizes, "bytes")
assert sizes == [16384, 32768, 49152], f"the data file no longer grows by 16384 bytes: {sizes}"

print(f"model in memory: {before} bytes before, {after} after")
assert before > 16384 and after < 1000, f"the model now keeps its weights: {before}, {after}"

os.chdir("out")
try:
    save_new("model.onnx")
    raise SystemExit("a save into the working folder no longer raises an error")
except FileExistsError as error:
    print("from inside the folder:", type(error).__name__)
PY
