#!/usr/bin/env bash
# Packages: sharp 0.35.5 (npm) and Pillow 13.0.0 (PyPI).
#
# Expected: A PNG saved as lossless WebP has the same pixels. A classifier gives the same answer for both files.
# Behaviour: "Lossless" holds for what one sees. Where a pixel is fully transparent, the encoder replaces its colour
#   by what packs best. `exact` keeps it, in Pillow and in sharp. Pillow's `convert("RGB")` drops the transparency and
#   shows these hidden colours, so that it makes different pictures of the PNG and of the WebP.
#
# Output seen, for 64 x 64 coloured pixels of which 2048 are transparent; pixels that differ between PNG and WebP:
#   WebP from Pillow or sharp, lossless              2048 (each has become black), none of them visible
#   WebP from Pillow or sharp, lossless and exact       0
#
# Meaning: Converting a data set of cut-out objects to "lossless" WebP changes what a classifier is trained on. Lay
#   the image on a background instead of dropping its transparency; then both files give the same picture.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0

cat > write.py <<'PY'
from PIL import Image
image = Image.new("RGBA", (64, 64))
image.putdata([(4 * (i % 64), 80, 160, 255 * (i // 32 % 2)) for i in range(64 * 64)])
image.save("a.png")
image.save("pillow.webp", lossless=True)
image.save("pillow-exact.webp", lossless=True, exact=True)
PY
cat > write.mjs <<'JS'
import sharp from 'sharp';
await sharp('a.png').webp({ lossless: true }).toFile('sharp.webp');
await sharp('a.png').webp({ lossless: true, exact: true }).toFile('sharp-exact.webp');
JS
cat > check.py <<'PY'
from PIL import Image
def pixels(name, mode):
    return list(Image.open(name).convert(mode).get_flattened_data())
def on_white(name):
    image = Image.open(name).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).tobytes()

stated = {"pillow": 2048, "sharp": 2048, "pillow-exact": 0, "sharp-exact": 0}
for name, expected in stated.items():
    webp = f"{name}.webp"
    changed = [b for a, b in zip(pixels("a.png", "RGB"), pixels(webp, "RGB")) if a != b]
    assert len(changed) == expected and set(changed) <= {(0, 0, 0)}, f"The behaviour has changed: {name} {len(changed)}"
    assert on_white(webp) == on_white("a.png"), f"{name} changes what one sees"
    print(f"As stated: {name}: {len(changed)} pixels differ, none of them visible")
PY
python/bin/python write.py
node write.mjs
python/bin/python check.py
