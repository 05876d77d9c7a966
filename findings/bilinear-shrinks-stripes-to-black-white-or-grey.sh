#!/usr/bin/env bash
# Packages: opencv-python-headless 5.0.0.93 and Pillow 13.0.0 (PyPI), jimp 1.6.1 and sharp 0.35.5 (npm).
#
# Expected: Bilinear shrinking gives about the same pixels everywhere; stripes that are too fine become their mean.
# Behaviour: Pillow and sharp average over all pixels that an output pixel covers. OpenCV and jimp look at a few
#   neighbours, however much the image shrinks. jimp starts at the first pixel, OpenCV at the centre. A finer filter
#   does not help in OpenCV: INTER_LANCZOS4 gives the same. INTER_AREA and the default of jimp average.
#
# Output seen, for stripes of one white and three black pixels, 32 x 32 brought to 8 x 8; a pixel in the middle:
#   Pillow BILINEAR, sharp linear                        64
#   OpenCV INTER_LINEAR, INTER_CUBIC, INTER_LANCZOS4      0
#   OpenCV INTER_AREA                                    64
#   jimp bilinearInterpolation, nearestNeighbor         255
#   jimp default                                         64
#
# Meaning: "Bilinear" in a model card does not say how to prepare an image. Trained with one library and served with
#   the other, a classifier sees fine texture as black, as white or as grey.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund jimp@1.6.1 sharp@0.35.5 2>/dev/null
python3 -m venv python
python/bin/pip install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0

cat > shrink.py <<'PY'
import cv2, numpy
from PIL import Image
stripes = numpy.tile(numpy.array([255, 0, 0, 0], numpy.uint8), (32, 8))
for name in "LINEAR", "CUBIC", "LANCZOS4", "AREA":
    print("OpenCV", name, cv2.resize(stripes, (8, 8), interpolation=getattr(cv2, f"INTER_{name}"))[3, 3])
print("Pillow BILINEAR", Image.fromarray(stripes).resize((8, 8), Image.Resampling.BILINEAR).getpixel((3, 3)))
PY
cat > shrink.mjs <<'JS'
import { Jimp } from 'jimp';
import sharp from 'sharp';
const [white, black] = [[255, 255, 255, 255], [0, 0, 0, 255]];
const stripes = Buffer.alloc(32 * 32 * 4, Buffer.from([...white, ...black, ...black, ...black]));
for (const mode of ['bilinearInterpolation', 'nearestNeighbor', undefined]) {
  const image = new Jimp({ width: 32, height: 32, data: Buffer.from(stripes) }).resize({ w: 8, h: 8, mode });
  console.log('jimp', mode ?? 'default', image.bitmap.data[(3 * 8 + 3) * 4]);
}
const pixels = await sharp(stripes, { raw: { width: 32, height: 32, channels: 4 } })
  .resize(8, 8, { kernel: 'linear' }).raw().toBuffer();
console.log('sharp linear', pixels[(3 * 8 + 3) * 4]);
JS
python/bin/python shrink.py > seen
node shrink.mjs >> seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
OpenCV LINEAR 0
OpenCV CUBIC 0
OpenCV LANCZOS4 0
OpenCV AREA 64
Pillow BILINEAR 64
jimp bilinearInterpolation 255
jimp nearestNeighbor 255
jimp default 64
sharp linear 64
EXPECTED
echo "As stated: $(paste -sd, seen)"
