#!/usr/bin/env bash
# Pillow turns a 16-bit grey image white, but a 16-bit colour image is right.
#
# Packages: Pillow 13.0.0, opencv-python-headless 5.0.0.93, numpy 2.4.6.
#
# Expected: convert("RGB") brings 16-bit values from 0 to 65535 into the range from 0 to 255.
#
# Behaviour: for a grey PNG of 16 bits it cuts at 255 instead. All but the darkest 0.4 % of the range
#   becomes white. For a colour PNG of 16 bits, Pillow divides by 256 already in Image.open, and the
#   mode says plain "RGB". OpenCV divides by 256 in both cases. No warning is given.
#
# Output seen, values 0 255 256 1000 32768 65535:
#   Pillow, grey    mode I;16   0 255 255 255 255 255
#   Pillow, colour  mode RGB    0 0 1 3 128 255
#   OpenCV, grey                0 0 1 3 128 255
#   OpenCV, colour              0 0 1 3 128 255
#
# For people who serve models: X-ray, microscope and depth images are often 16-bit grey. Behind
#   Image.open(f).convert("RGB") the model sees a white page and still answers. If the mode starts
#   with "I", divide by 256 before you convert, and compare with the code used for training.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
v/bin/python - <<'PY'
import cv2, numpy as np
from PIL import Image

values = np.array([[0, 255, 256, 1000, 32768, 65535]], np.uint16)
cv2.imwrite("grey.png", values)
cv2.imwrite("colour.png", np.repeat(values[..., None], 3, axis=2))
scaled, cut = [0, 0, 1, 3, 128, 255], [0, 255, 255, 255, 255, 255]

for kind, mode, want in (("grey", "I;16", cut), ("colour", "RGB", scaled)):
    image = Image.open(f"{kind}.png")
    pillow = np.asarray(image.convert("RGB"))[0, :, 0].tolist()
    opencv = cv2.imread(f"{kind}.png")[0, :, 0].tolist()
    print(kind, "Pillow", image.mode, pillow, "OpenCV", opencv)
    assert image.mode == mode, f"{kind}: Pillow now opens it as {image.mode}"
    assert pillow == want, f"{kind}: Pillow now gives {pillow}"
    assert opencv == scaled, f"{kind}: OpenCV now gives {opencv}"
PY
