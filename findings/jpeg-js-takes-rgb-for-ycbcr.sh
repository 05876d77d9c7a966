#!/usr/bin/env bash
# Packages: Pillow 13.0.0 (PyPI) writes the image; jpeg-js 0.4.4, jimp 1.6.1, sharp 0.35.5 and @napi-rs/image 1.15.0
#   (npm) read it.
#
# Expected: A JPEG that stores RGB without the usual change to YCbCr is read alike by all decoders. Pillow writes one
#   with `save(..., keep_rgb=True)`: its components are named R, G and B, and it has no Adobe marker.
# Behaviour: libjpeg (in sharp, Pillow and OpenCV) and the Rust decoder of @napi-rs/image look at the names of the
#   components. jpeg-js looks only for the Adobe marker. It converts the RGB values as if they were YCbCr. jimp uses
#   jpeg-js and does the same.
#
# Output seen, for an image of the dark red 200 50 50:
#   sharp, @napi-rs/image   200  50  50
#   jpeg-js, jimp            90 255  61   (a bright green)
#
# Meaning: Preprocessing in pure JavaScript, as in a browser bundle or a small server, gives a classifier wrong
#   colours for valid files, without an error.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund jpeg-js@0.4.4 jimp@1.6.1 sharp@0.35.5 @napi-rs/image@1.15.0 2>/dev/null
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0

python/bin/python -c '
from PIL import Image
Image.new("RGB", (16, 16), (200, 50, 50)).save("red.jpg", quality=95, keep_rgb=True)'
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Transformer } from '@napi-rs/image';
import { Jimp } from 'jimp';
import jpegJs from 'jpeg-js';
import sharp from 'sharp';
const jpeg = readFileSync('red.jpg');
const seen = Object.entries({
  'sharp': await sharp(jpeg).raw().toBuffer(),
  '@napi-rs/image': new Transformer(jpeg).rawPixelsSync(),
  'jpeg-js': jpegJs.decode(jpeg).data,
  'jimp': (await Jimp.read(jpeg)).bitmap.data,
}).map(([name, pixels]) => `${name} ${[...pixels.subarray(0, 3)].join(' ')}`).join(', ');
assert.equal(seen, 'sharp 200 50 50, @napi-rs/image 200 50 50, jpeg-js 90 255 61, jimp 90 255 61',
  'The behaviour has changed');
console.log(`As stated: ${seen}`);
JS
node check.mjs
