#!/usr/bin/env bash
# Packages: opencv-python-headless 5.0.0.93 and Pillow 13.0.0 (PyPI), sharp 0.35.5, image-size 2.1.0, jimp 1.6.1 and
#   @napi-rs/image 1.15.0 (npm).
#
# Expected: Decoders agree on whether a photograph that was taken with the phone held upright is 32 x 64 or 64 x 32.
# Behaviour: OpenCV and jimp apply the EXIF orientation by default, the others do not. In OpenCV it depends on the
#   flag: IMREAD_UNCHANGED, which people add to keep transparency, also stops the turning. In sharp, `metadata()`
#   tells the stored size even with `autoOrient`, so that it does not fit the pixels; its member `autoOrient` does.
#
# Output seen, for 64 x 32 stored pixels with orientation 6:
#   OpenCV default and IMREAD_GRAYSCALE, jimp, sharp with autoOrient       32 x 64
#   OpenCV IMREAD_UNCHANGED, Pillow, sharp, @napi-rs/image, image-size     64 x 32
#   sharp with autoOrient, metadata() / its member autoOrient              64 x 32 / 32 x 64
#
# Meaning: A classifier trained through Pillow has seen lying phone photographs, one trained through OpenCV upright
#   ones. The server must do as the training did: `autoOrient` for OpenCV, none for a plain Pillow pipeline (which
#   should rather use ImageOps.exif_transpose).
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5 image-size@2.1.0 jimp@1.6.1 @napi-rs/image@1.15.0 2>/dev/null
python3 -m venv python
python/bin/pip install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0

cat > read.py <<'PY'
import cv2
from PIL import Image
photo = Image.new("RGB", (64, 32), "red")
exif = photo.getexif()
exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees to show it
photo.save("photo.jpg", exif=exif)

def size(pixels):
    return f"{pixels.shape[1]} x {pixels.shape[0]}"

print("OpenCV default:", size(cv2.imread("photo.jpg")))
print("OpenCV grey:", size(cv2.imread("photo.jpg", cv2.IMREAD_GRAYSCALE)))
print("OpenCV unchanged:", size(cv2.imread("photo.jpg", cv2.IMREAD_UNCHANGED)))
print("Pillow: {} x {}".format(*Image.open("photo.jpg").convert("RGB").size))
PY
cat > read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Transformer } from '@napi-rs/image';
import imageSize from 'image-size';
import { Jimp } from 'jimp';
import sharp from 'sharp';
const jpeg = readFileSync('photo.jpg');
const print = (name, { width, height }) => console.log(`${name}: ${width} x ${height}`);
print('sharp', (await sharp(jpeg).raw().toBuffer({ resolveWithObject: true })).info);
print('sharp autoOrient', (await sharp(jpeg).autoOrient().raw().toBuffer({ resolveWithObject: true })).info);
print('sharp metadata', await sharp(jpeg).metadata());
print('sharp autoOrient metadata', await sharp(jpeg, { autoOrient: true }).metadata());
print('sharp metadata.autoOrient', (await sharp(jpeg).metadata()).autoOrient);
print('@napi-rs/image', new Transformer(jpeg).metadataSync());
print('image-size', imageSize(jpeg));
print('jimp', (await Jimp.read(jpeg)).bitmap);
JS
python/bin/python read.py > seen
node read.mjs >> seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
OpenCV default: 32 x 64
OpenCV grey: 32 x 64
OpenCV unchanged: 64 x 32
Pillow: 64 x 32
sharp: 64 x 32
sharp autoOrient: 32 x 64
sharp metadata: 64 x 32
sharp autoOrient metadata: 64 x 32
sharp metadata.autoOrient: 32 x 64
@napi-rs/image: 64 x 32
image-size: 64 x 32
jimp: 32 x 64
EXPECTED
echo "As stated: $(paste -sd, seen)"
