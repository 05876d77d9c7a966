#!/usr/bin/env bash
# Package: sharp 0.35.5 (npm, brings libvips 8.18.7).
#
# Expected: `removeAlpha().resize(...)` drops the transparency and then resizes, so that hidden colours take part.
# Behaviour: sharp collects the calls and runs them in an order of its own. Alpha is removed after resizing, wherever
#   the call stands, and resizing weighs colours by their alpha: hidden colours count for nothing. Only two pipelines
#   with `toBuffer` between them keep the order that one wrote.
#
# Output seen, for the row red, hidden green, red, hidden green, brought to 2 pixels by a linear kernel; first pixel:
#   removeAlpha().resize()                255   0 0
#   resize().removeAlpha()                255   0 0
#   removeAlpha(), toBuffer, resize()     159  96 0
#   Pillow: convert("RGB").resize()       146 109 0
#
# Meaning: Cut-out objects (product photographs, stickers) look different to a classifier in training, where Pillow's
#   `convert("RGB").resize(...)` mixes hidden colours in, and behind sharp. Two calls in the same order are no proof
#   of the same preprocessing.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0

cat > resize.mjs <<'JS'
import sharp from 'sharp';
const row = Buffer.alloc(16, Buffer.from([255, 0, 0, 255, 0, 255, 0, 0]));
const image = (pixels = row, channels = 4) => sharp(pixels, { raw: { width: 4, height: 1, channels } });
const half = [2, 1, { fit: 'fill', kernel: 'linear' }];
const print = (name, pixels) => console.log(`${name}:`, ...pixels.subarray(0, 3));
print('removeAlpha, resize', await image().removeAlpha().resize(...half).raw().toBuffer());
print('resize, removeAlpha', await image().resize(...half).removeAlpha().raw().toBuffer());
const opaque = await image().removeAlpha().raw().toBuffer();
print('removeAlpha, toBuffer, resize', await image(opaque, 3).resize(...half).raw().toBuffer());
JS
cat > resize.py <<'PY'
from PIL import Image
row = Image.frombytes("RGBA", (4, 1), bytes([255, 0, 0, 255, 0, 255, 0, 0] * 2))
print("Pillow convert, resize:", *row.convert("RGB").resize((2, 1), Image.Resampling.BILINEAR).getpixel((0, 0)))
PY
node resize.mjs > seen
python/bin/python resize.py >> seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
removeAlpha, resize: 255 0 0
resize, removeAlpha: 255 0 0
removeAlpha, toBuffer, resize: 159 96 0
Pillow convert, resize: 146 109 0
EXPECTED
echo "As stated: $(paste -sd, seen)"
