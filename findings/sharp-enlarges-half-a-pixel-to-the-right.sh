#!/usr/bin/env bash
# Packages: sharp 0.35.5 (npm, brings libvips 8.18.7), compared with Pillow 13.0.0 (PyPI).
#
# Expected: A resampler keeps an image where it is. A symmetric image stays symmetric when it is enlarged.
# Behaviour: sharp enlarges around the corner of the first pixel and not around the centre of the image. The result
#   lies half an output pixel too far to the right and to the bottom. This holds for every kernel that interpolates.
#   sharp shrinks without any shift. Pillow shifts in neither direction.
#
# Output seen, for an image whose rows are 0 255 255 0, with a linear kernel:
#   4 to 8 pixels   sharp 0 0 128 255 255 255 128 0   Pillow 0 64 191 255 255 191 64 0
#   4 to 5 pixels   sharp 0 76 255 255 77             Pillow 0 179 255 179 0
#   4 to 3 pixels   sharp 70 255 70                   Pillow 76 255 76
#
# Meaning: A classifier that was trained on images enlarged by Pillow sees shifted edges behind a server that uses
#   sharp. Half a pixel is much for a model that takes 32 x 32 pixels. Images that are larger than the input of the
#   model are not affected.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0

cat > enlarge.mjs <<'JS'
import sharp from 'sharp';
const pixels = Buffer.alloc(16, Buffer.from([0, 255, 255, 0]));
for (const size of [8, 5, 3]) {
  const result = await sharp(pixels, { raw: { width: 4, height: 4, channels: 1 } })
    .resize(size, size, { kernel: 'linear' }).extractChannel(0).raw().toBuffer();
  console.log(`sharp ${size}: ${[...result.subarray(0, size)].join(' ')}`);
}
JS
cat > enlarge.py <<'PY'
from PIL import Image
image = Image.frombytes("L", (4, 4), bytes([0, 255, 255, 0] * 4))
for size in 8, 5, 3:
    row = image.resize((size, size), Image.Resampling.BILINEAR).tobytes()[:size]
    print(f"Pillow {size}:", *row)
PY
node enlarge.mjs > seen
python/bin/python enlarge.py >> seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
sharp 8: 0 0 128 255 255 255 128 0
sharp 5: 0 76 255 255 77
sharp 3: 70 255 70
Pillow 8: 0 64 191 255 255 191 64 0
Pillow 5: 0 179 255 179 0
Pillow 3: 76 255 76
EXPECTED
echo "As stated: $(paste -sd, seen)"
