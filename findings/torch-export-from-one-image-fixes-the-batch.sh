#!/usr/bin/env bash
# Package: torch 2.13.0, torchvision 0.28.0, onnxscript 0.7.2, onnx 1.23.2 and onnxruntime 1.32.0 (PyPI).
#
# Expected: `torch.onnx.export` with `dynamic_shapes={"x": {0: "batch"}}` writes a graph for any batch, or it raises an
#   error, as it does for shapes that the network fixes.
# Behaviour: With an example of one image the export of a vision transformer of torchvision succeeds and declares the batch as dynamic, but the
#   targets of its Reshape nodes contain the 1 of the example. onnxruntime runs it with one image and refuses two. With
#   an example of two images the same call writes a graph that takes any batch.
#
# Output seen:
#   images in the example   declared batch   run with 1 image   run with 2 images
#   1                       batch            runs               error in Reshape
#   2                       batch            runs               runs
#
# Meaning: The declared shape of an input is no promise that the graph keeps. A server that reads "batch" and merges
#   requests fails at the first two that arrive together; export with at least two images, and run two before serving.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 torchvision==0.28.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0

cat > check.py <<'PY'
import logging
import warnings

import numpy as np
import onnxruntime
import torch
import torchvision

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
torch.manual_seed(0)
net = torchvision.models.VisionTransformer(64, 16, 2, 2, 32, 64, num_classes=4).eval()
seen = []
for images in [1, 2]:
    file = f"from-{images}.onnx"
    example = (torch.zeros(images, 3, 64, 64),)
    torch.onnx.export(net, example, file, dynamic_shapes={"x": {0: "batch"}}, external_data=False, verbose=False)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    [given] = session.get_inputs()
    runs = []
    for batch in [1, 2]:
        try:
            session.run(None, {given.name: np.zeros((batch, 3, 64, 64), np.float32)})
            runs.append("runs")
        except Exception as error:
            runs.append("error in Reshape" if "Reshape" in str(error) else str(error))
    seen.append((images, str(given.shape[0]), *runs))
expected = [(1, "batch", "runs", "error in Reshape"), (2, "batch", "runs", "runs")]
assert seen == expected, f"The behaviour has changed: {seen}"
print(f"As stated: {seen}")
PY
venv/bin/python check.py 2>/dev/null
