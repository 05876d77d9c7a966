#!/usr/bin/env bash
# Packages: sharp 0.35.5, jimp 1.6.1 and @napi-rs/image 1.15.0 (npm), Pillow 13.0.0 and opencv-python-headless
#   5.0.0.93 (PyPI).
#
# Expected: Turning colours into grey is settled. Every library takes 0.299 red + 0.587 green + 0.114 blue.
# Behaviour: There are three answers. Pillow and OpenCV do as expected (Rec. 601). jimp and @napi-rs/image use the
#   weights 0.2126, 0.7152 and 0.0722 (Rec. 709) on the stored values. sharp uses these weights as well, but on linear
#   light: it takes the sRGB curve off before and puts it on again after. Pure colours become far brighter. Neutral
#   greys are the same everywhere.
#
# Output seen, for the pixels red, green, blue and mid grey:
#   Pillow, OpenCV         76 150  29 128
#   jimp, @napi-rs/image   54 182  18 128
#   sharp                 127 220  76 128
#
# Meaning: A grey classifier that was trained with Pillow or OpenCV must not get its input from sharp's `grayscale()`
#   or `toColourspace('b-w')`. A red object is 51 levels brighter there. Compute the weighted sum from the RGB pixels
#   instead.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --no-package-lock sharp@0.35.5 jimp@1.6.1 @napi-rs/image@1.15.0 2>/dev/null
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0 opencv-python-headless==5.0.0.93

cat > grey.mjs <<'JS'
import { Transformer } from '@napi-rs/image';
import { Jimp } from 'jimp';
import sharp from 'sharp';
const pixels = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128]);
const image = () => sharp(pixels, { raw: { width: 4, height: 1, channels: 3 } });
const png = await image().png().toBuffer();
const print = (name, greys) => console.log(`${name}: ${[...greys].join(' ')}`);

print('sharp grayscale', await image().grayscale().raw().toBuffer());
print('sharp b-w', await image().toColourspace('b-w').raw().toBuffer());
print('jimp', (await Jimp.read(png)).greyscale().bitmap.data.filter((_, index) => index % 4 === 0));
print('@napi-rs/image', new Transformer(png).grayscale().rawPixelsSync());
JS
cat > grey.py <<'PY'
import cv2, numpy
from PIL import Image
pixels = numpy.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]]], numpy.uint8)
print("Pillow:", *Image.fromarray(pixels).convert("L").tobytes())
print("OpenCV:", *cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).tobytes())
PY
node grey.mjs > seen
python/bin/python grey.py >> seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
sharp grayscale: 127 220 76 128
sharp b-w: 127 220 76 128
jimp: 54 182 18 128
@napi-rs/image: 54 182 18 128
Pillow: 76 150 29 128
OpenCV: 76 150 29 128
EXPECTED
echo "As stated: $(paste -sd, seen)"
