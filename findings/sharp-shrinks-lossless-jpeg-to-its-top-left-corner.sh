#!/usr/bin/env bash
# Packages: sharp 0.35.5 (npm, brings libvips 8.18.7); imagecodecs 2026.3.6 and Pillow 13.0.0 (PyPI) write the image
#   and read it for comparison.
#
# Expected: `resize` shows the whole image, whatever the kind of JPEG.
# Behaviour: For a lossless JPEG (SOF3, as in DICOM) sharp does so only while it shrinks by less than three. From
#   there on, libvips asks the decoder to shrink while it decodes. The decoder cannot do that for a lossless JPEG and
#   gives the full pixels, of which libvips reads the top left part: the left half of the upper half when shrinking by
#   4, a quarter of the width and height when shrinking by 8. No error is raised, and `fastShrinkOnLoad: false` does
#   not help for these two. Decoding first and resizing the pixels afterwards does.
#
# Output seen, for a ramp of 256 x 256 whose red value is the column; red of the last pixel:
#   128 pixels wide   255   (the whole ramp)
#    64 pixels wide   127   (the left half)
#    32 pixels wide    63   (the left quarter)
#    64 pixels wide, decoded first   254
#
# Meaning: A classifier answers confidently about a corner of the image. A service that does not need lossless JPEG
#   should refuse the marker FF C3; one that needs it must decode before it resizes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5
python3 -m venv python
python/bin/pip install --quiet imagecodecs==2026.3.6 pillow==13.0.0

cat > write.py <<'PY'
import imagecodecs, numpy
from PIL import Image
ramp = numpy.zeros((256, 256, 3), numpy.uint8)
ramp[..., 0] = numpy.arange(256)
with open("lossless.jpg", "wb") as file:
    file.write(imagecodecs.jpeg8_encode(ramp, lossless=True))
assert (numpy.asarray(Image.open("lossless.jpg")) == ramp).all(), "Pillow reads other pixels"
PY
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
const jpeg = readFileSync('lossless.jpg');
assert(jpeg.includes(Buffer.from([0xff, 0xc3])), 'not a lossless JPEG');

const lastRed = async (image, width, options) => (await image.resize(width, width, options).raw().toBuffer()).at(-3);
const { data, info: raw } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
const seen = [
  await lastRed(sharp(jpeg), 128),
  await lastRed(sharp(jpeg), 64),
  await lastRed(sharp(jpeg), 64, { fastShrinkOnLoad: false }),
  await lastRed(sharp(jpeg), 32),
  await lastRed(sharp(data, { raw }), 64),
];
const stated = [255, 127, 127, 63, 254];
assert(seen.every((red, index) => Math.abs(red - stated[index]) <= 2), `The behaviour has changed: ${seen}`);
console.log(`As stated: last red 128 wide ${seen[0]}, 64 wide ${seen[1]}, 64 wide without fastShrinkOnLoad ${seen[2]}, `
  + `32 wide ${seen[3]}, 64 wide decoded first ${seen[4]}`);
JS
python/bin/python write.py
node check.mjs
