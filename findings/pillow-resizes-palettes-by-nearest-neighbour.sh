#!/usr/bin/env bash
# Package: Pillow 13.0.0 (PyPI).
#
# Expected: `resize` and `thumbnail` use the filter that is asked for, or their default, bicubic.
# Behaviour: For images with a palette (mode P, as GIF and many PNG files have) and with one bit per pixel (mode 1)
#   they use the nearest neighbour, whatever one asks for and without a warning. After `convert("RGB")` or
#   `convert("L")` the filter is used.
#
# Output seen, for stripes of one white and three black pixels, 32 x 32 brought to 8 x 8 with LANCZOS; a pixel in the
# middle (the mean of the stripes is 64):
#   opened from a GIF, resized, converted              0
#   opened from a PNG of one bit, resized, converted   0
#   opened from a GIF, thumbnail, converted            0
#   opened from a GIF, converted, resized             64
#
# Meaning: The order of "resize" and "convert" in a training pipeline decides whether logos, drawings and screenshots
#   are smoothed or torn. JPEG files look the same either way, so that the difference stays unseen. Convert first.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0

cat > check.py <<'PY'
from PIL import Image
LANCZOS, size = Image.Resampling.LANCZOS, (8, 8)
stripes = Image.frombytes("L", (32, 32), bytes([255, 0, 0, 0] * 256))
stripes.convert("P").save("stripes.gif")
stripes.convert("1").save("stripes.png")

def middle(image):
    return image.convert("L").getpixel((3, 3))

def thumbnail(image):
    image.thumbnail(size, LANCZOS)
    return image

gif, png = Image.open("stripes.gif"), Image.open("stripes.png")
seen = {
    f"GIF ({gif.mode}) resized": middle(gif.resize(size, LANCZOS)),
    f"PNG ({png.mode}) resized": middle(png.resize(size, LANCZOS)),
    "GIF converted, resized": middle(gif.convert("L").resize(size, LANCZOS)),
    "GIF thumbnail": middle(thumbnail(gif)),
}
assert list(seen.values()) == [0, 0, 64, 0], f"The behaviour has changed: {seen}"
print("As stated:", seen)
PY
python/bin/python check.py
