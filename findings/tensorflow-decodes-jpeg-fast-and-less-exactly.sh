#!/usr/bin/env bash
# Package: tensorflow-cpu 2.21.0 and pillow 13.0.0 (PyPI).
#
# Expected: Two libraries that both use libjpeg-turbo give the same pixels for a baseline JPEG in 4:4:4, where there is no
#   chroma to enlarge.
# Behaviour: `tf.io.decode_jpeg`, and so Keras' `image_dataset_from_directory`, asks for the fast integer transform of
#   libjpeg (`INTEGER_FAST`). Its pixels differ from Pillow's, which asks for the exact one. With
#   `dct_method="INTEGER_ACCURATE"` there is no difference.
#
# Output seen, for a drawn picture of 256 × 256 at quality 90 without subsampling, against Pillow:
#   dct_method             mean difference    largest
#   not given              1.02 grey levels   4
#   INTEGER_ACCURATE       0                  0
#
# Meaning: A network trained on images that TensorFlow decoded, and served on images that Pillow, OpenCV or libvips
#   decode, sees other pixels than in training, and a test of equal preprocessing can blame the resizing for it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tensorflow-cpu==2.21.0 pillow==13.0.0

cat > check.py <<'PY'
import io

import numpy as np
import tensorflow as tf
from PIL import Image

y, x = np.mgrid[0:256, 0:256]
waves = [np.sin(x / 9) * np.cos(y / 13), np.sin((x + y) / 7), np.cos(x / 5) * np.sin(y / 11)]
picture = np.stack([(127 + 120 * wave).round().astype(np.uint8) for wave in waves], axis=-1)
file = io.BytesIO()
Image.fromarray(picture).save(file, "JPEG", quality=90, subsampling=0)
pillow = np.asarray(Image.open(file)).astype(int)
seen = {}
for method in ["", "INTEGER_ACCURATE"]:
    decoded = tf.io.decode_jpeg(file.getvalue(), channels=3, dct_method=method).numpy().astype(int)
    difference = np.abs(decoded - pillow)
    seen[method] = (difference.mean(), difference.max())
text = ", ".join(f"{method or 'default'}: mean {mean:.2f}, largest {most}" for method, (mean, most) in seen.items())
assert 0.1 < seen[""][0] < 2 and seen["INTEGER_ACCURATE"] == (0, 0), f"The behaviour has changed: {text}"
print(f"As stated: {text}")
PY
TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python check.py
