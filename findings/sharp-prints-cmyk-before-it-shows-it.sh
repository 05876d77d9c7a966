#!/usr/bin/env bash
# Packages: Pillow 13.0.0 and opencv-python-headless 5.0.0.93 (PyPI), sharp 0.35.5, jpeg-js 0.4.4 and @napi-rs/image
#   1.15.0 (npm).
#
# Expected: A CMYK JPEG without a colour profile becomes RGB by the plain rule: red = (255 - cyan) * (255 - black) /
#   255, and so on. Pure cyan is 0 255 255.
# Behaviour: Pillow, OpenCV, jpeg-js and @napi-rs/image follow the plain rule, OpenCV with an error of one. sharp
#   simulates ink on paper: it assumes a printing profile that libvips brings along. No full colour survives, and most
#   colours get darker.
#
# Output seen, each for an image of one ink (of two for blue):
#            sharp         the others
#   cyan       0 153 227     0 255 255
#   magenta  234   0 128   255   0 255
#   yellow   255 240   0   255 255   0
#   blue      32   6 117     0   0 255
#   black     20   5   0     0   0   0
#
# Meaning: Shops and publishers upload CMYK. A classifier that was trained through Pillow gets colours from sharp that
#   are off by up to 138 levels. Who wants the plain rule must convert the four channels without sharp.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5 jpeg-js@0.4.4 @napi-rs/image@1.15.0
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0 opencv-python-headless==5.0.0.93

cat > images.py <<'PY'
import cv2
from PIL import Image
inks = {"cyan": (255, 0, 0, 0), "magenta": (0, 255, 0, 0), "yellow": (0, 0, 255, 0), "blue": (255, 255, 0, 0),
        "black": (0, 0, 0, 255)}
for name, ink in inks.items():
    Image.new("CMYK", (16, 16), ink).save(f"{name}.jpg", quality=95)
    print("Pillow", name, *Image.open(f"{name}.jpg").convert("RGB").getpixel((0, 0)))
    print("OpenCV", name, *cv2.imread(f"{name}.jpg")[0, 0, ::-1])
PY
cat > images.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Transformer } from '@napi-rs/image';
import jpegJs from 'jpeg-js';
import sharp from 'sharp';
for (const name of ['cyan', 'magenta', 'yellow', 'blue', 'black']) {
  const jpeg = readFileSync(`${name}.jpg`);
  const print = (library, pixels) => console.log(library, name, ...pixels.subarray(0, 3));
  print('sharp', await sharp(jpeg).raw().toBuffer());
  print('@napi-rs/image', new Transformer(jpeg).rawPixelsSync());
  print('jpeg-js', jpegJs.decode(jpeg).data);
}
JS
cat > check.py <<'PY'
import sys
plain = {"cyan": (0, 255, 255), "magenta": (255, 0, 255), "yellow": (255, 255, 0), "blue": (0, 0, 255),
         "black": (0, 0, 0)}
printed = {"cyan": (0, 153, 227), "magenta": (234, 0, 128), "yellow": (255, 240, 0), "blue": (32, 6, 117),
           "black": (20, 5, 0)}
for line in sys.stdin:
    library, name, *rgb = line.split()
    stated = (printed if library == "sharp" else plain)[name]
    assert all(abs(int(seen) - value) <= 2 for seen, value in zip(rgb, stated)), f"The behaviour has changed: {line}"
    if library == "sharp":
        print("As stated:", line.strip(), "- the others", *plain[name])
PY
python/bin/python images.py > seen
node images.mjs >> seen
python/bin/python check.py < seen
