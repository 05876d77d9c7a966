#!/usr/bin/env bash
# Packages: Pillow 13.0.0 and opencv-python-headless 5.0.0.93 (PyPI), sharp 0.35.5, pngjs 7.0.0 and fast-png 8.0.0
#   (npm).
#
# Expected: A PNG with 16 bits per sample is brought to 8 bits by keeping the upper 8 bits.
# Behaviour: OpenCV and sharp do that. pngjs rounds instead, which gives other values. Pillow does it for colour, but
#   not for grey: `convert("L")` and `convert("RGB")` clip every value above 255 to 255. Nearly the whole image
#   becomes white, without a warning. fast-png leaves the 16 bits as they are.
#
# Output seen:
#   stored grey samples   0 200 300 32768 65535
#   Pillow                0 200 255   255   255
#   OpenCV, sharp         0   0   1   128   255
#   pngjs                 0   1   1   128   255
#   fast-png              0 200 300 32768 65535
#   Pillow, RGB of 16 bits with the samples 300 32768 65535:  1 128 255
#
# Meaning: Microscopes, scanners and medical devices write such files. Trained through Pillow, a classifier has seen
#   white squares. Served through sharp or OpenCV, it sees pictures. Take `numpy.asarray(image) >> 8` for such files
#   instead of `convert`.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5 pngjs@7.0.0 fast-png@8.0.0
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0 opencv-python-headless==5.0.0.93

cat > read.py <<'PY'
import cv2, numpy
from PIL import Image
cv2.imwrite("grey.png", numpy.array([[0, 200, 300, 32768, 65535]], numpy.uint16))
cv2.imwrite("colour.png", numpy.array([[[65535, 32768, 300]]], numpy.uint16))
grey = Image.open("grey.png")
print("Pillow L:", *grey.convert("L").tobytes())
print("Pillow RGB:", *grey.convert("RGB").tobytes()[::3])
print("Pillow, colour:", *Image.open("colour.png").convert("RGB").tobytes())
print("OpenCV:", *cv2.imread("grey.png", cv2.IMREAD_GRAYSCALE).tobytes())
PY
cat > read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { decode } from 'fast-png';
import { PNG } from 'pngjs';
import sharp from 'sharp';
const png = readFileSync('grey.png');
const print = (name, greys) => console.log(`${name}: ${[...greys].join(' ')}`);
print('sharp', (await sharp(png).raw().toBuffer()).filter((_, index) => index % 3 === 0));
print('pngjs', PNG.sync.read(png).data.filter((_, index) => index % 4 === 0));
print('fast-png', decode(png).data);
JS
python/bin/python read.py > seen
node read.mjs >> seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
Pillow L: 0 200 255 255 255
Pillow RGB: 0 200 255 255 255
Pillow, colour: 1 128 255
OpenCV: 0 0 1 128 255
sharp: 0 0 1 128 255
pngjs: 0 1 1 128 255
fast-png: 0 200 300 32768 65535
EXPECTED
echo "As stated: $(paste -sd, seen)"
