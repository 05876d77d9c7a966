#!/usr/bin/env bash
# An ONNX Resize equals Pillow's bicubic resize only with three attributes that are not the default.
#
# Packages: Pillow 13.0.0, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Expected: "bicubic" names one method. Since opset 18 Resize has antialias=1, and this is the
#   known difference to Pillow. So antialias=1 should give Pillow's pixels.
#
# Behaviour: it does not, in either direction. Pillow uses the cubic coefficient -0.5, ONNX -0.75
#   (like PyTorch without antialias, and like OpenCV). Pillow also leaves out the pixels beyond the
#   border and scales the rest of the weights up; ONNX repeats the border pixel.
#   Only antialias=1, cubic_coeff_a=-0.5 and exclude_outside=1 together agree with Pillow.
#
# Output seen, the row 3 1 4 1 5 9 2 6 5, largest difference to Pillow:
#   antialias  cubic_coeff_a  exclude_outside   to 4      to 16
#           0          -0.75                0    2.6546    0.3332   (the defaults)
#           1          -0.75                0    0.0542    0.3332
#           1           -0.5                0    0.0515    0.0505
#           1           -0.5                1    0.0000    0.0000
#
# For people who serve models: most networks with bicubic input were trained on Pillow's pixels. If
#   you move the resize into the model, set all three attributes and compare with Pillow.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check pillow==13.0.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
v/bin/python - <<'PY'
import itertools
import numpy as np, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper
from PIL import Image

row = np.array([[3, 1, 4, 1, 5, 9, 2, 6, 5]], np.float32)

def difference(width, **attributes):
    node = h.make_node("Resize", ["x", "", "", "size"], ["y"], mode="cubic", **attributes)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 1, 1, 9])],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, 1, 1, width])],
                         [numpy_helper.from_array(np.array([1, 1, 1, width]), "size")])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=8)
    y = ort.InferenceSession(model.SerializeToString()).run(None, {"x": row[None, None]})[0]
    pillow = np.asarray(Image.fromarray(row).resize((width, 1), Image.Resampling.BICUBIC))
    return float(np.abs(y - pillow).max())

print("antialias  cubic_coeff_a  exclude_outside   to 4      to 16")
for antialias, a, outside in itertools.product((0, 1), (-0.75, -0.5), (0, 1)):
    down, up = (difference(w, antialias=antialias, cubic_coeff_a=a, exclude_outside=outside) for w in (4, 16))
    print(f"{antialias:9}  {a:13}  {outside:15}  {down:8.4f}  {up:8.4f}")
    same = (antialias, a, outside) == (1, -0.5, 1)
    assert (down < 1e-5) == same, f"making smaller: the difference is now {down}"
    assert (up < 1e-5) == ((a, outside) == (-0.5, 1)), f"making larger: the difference is now {up}"
PY
