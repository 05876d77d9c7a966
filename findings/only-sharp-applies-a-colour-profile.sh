#!/usr/bin/env bash
# Packages: sharp 0.35.5 and @napi-rs/image 1.15.0 (npm), Pillow 13.0.0 and opencv-python-headless 5.0.0.93 (PyPI).
#
# Expected: The common decoders agree on the pixels of a JPEG, apart from rounding.
# Behaviour: They do not if the file carries a colour profile other than sRGB. sharp converts the pixels to sRGB.
#   Pillow, OpenCV and @napi-rs/image return the stored numbers, as does sharp with `ignoreIcc: true`.
#
# Output seen, for the sRGB colour 200 50 50, stored with the profile Display P3 as many phones do:
#   sharp                                                200 48 50
#   sharp with ignoreIcc, Pillow, OpenCV, @napi-rs/image 184 62 57
#
# Meaning: Data sets that were read by Pillow or OpenCV contain unconverted pixels. Phone photographs look paler to
#   the classifier in training than behind a server that uses sharp. Convert in both places or in none.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5 @napi-rs/image@1.15.0
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0 opencv-python-headless==5.0.0.93

cat > read.mjs <<'JS'
import { writeFileSync } from 'node:fs';
import { Transformer } from '@napi-rs/image';
import sharp from 'sharp';
const red = { create: { width: 16, height: 16, channels: 3, background: { r: 200, g: 50, b: 50 } } };
const jpeg = await sharp(red).withIccProfile('p3').jpeg({ quality: 100 }).toBuffer();
writeFileSync('p3.jpg', jpeg);
const print = (name, pixels) => console.log(name, ...pixels.subarray(0, 3));
print('sharp', await sharp(jpeg).raw().toBuffer());
print('ignoreIcc', await sharp(jpeg, { ignoreIcc: true }).raw().toBuffer());
print('napi', new Transformer(jpeg).rawPixelsSync());
JS
cat > read.py <<'PY'
import cv2
from PIL import Image
print("Pillow", *Image.open("p3.jpg").convert("RGB").getpixel((0, 0)))
print("OpenCV", *cv2.imread("p3.jpg")[0, 0, ::-1])
PY
cat > check.py <<'PY'
import sys
for line in sys.stdin:
    library, *rgb = line.split()
    stated = (200, 48, 50) if library == "sharp" else (184, 62, 57)
    assert all(abs(int(seen) - value) <= 2 for seen, value in zip(rgb, stated)), f"The behaviour has changed: {line}"
    print("As stated:", line.strip())
PY
node read.mjs > seen
python/bin/python read.py >> seen
python/bin/python check.py < seen
