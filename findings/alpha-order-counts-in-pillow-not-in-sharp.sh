#!/usr/bin/env bash
# Dropping transparency before or after a resize matters in Pillow, and cannot be chosen in sharp.
#
# Packages: Pillow 13.0.0, numpy 2.4.6, sharp 0.35.5 (npm, Node 20 or newer).
#
# Expected: removeAlpha().resize() in sharp does what it reads: first drop alpha, then resize, like
#   convert("RGB").resize() in Pillow. The two libraries then agree on a half transparent image.
#
# Behaviour: sharp collects the calls and has its own fixed order. It always resizes first, with the
#   colours weighted by alpha, and drops alpha at the end. Both orders of the calls give the
#   same pixel. Pillow obeys the order, and its two results differ: without alpha, the hidden colour of
#   a transparent pixel counts as much as the colour of a visible one.
#
# Output seen, a red pixel and a fully transparent blue pixel made one pixel wide:
#   Pillow  convert("RGB") then resize  128 0 128    resize then convert("RGB")  255 0 0
#   sharp   removeAlpha().resize()      255 0 0      resize().removeAlpha()      255 0 0
#   sharp   in two passes               128 0 128
#
# For people who serve models: a Python pipeline that starts with convert("RGB") sees other pixels than
#   a sharp pipeline for each PNG or WebP with transparent parts. To match it, decode with removeAlpha
#   to raw pixels first, and resize these in a second sharp call.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
npm i --silent --no-audit --no-fund sharp@0.35.5
v/bin/python - <<'PY'
import numpy as np
from PIL import Image
image = Image.fromarray(np.uint8([[[255, 0, 0, 255], [0, 0, 255, 0]]]))
image.save("two.png")
box = Image.Resampling.BOX
pixel = lambda im: np.asarray(im).ravel().tolist()
found = pixel(image.convert("RGB").resize((1, 1), box)), pixel(image.resize((1, 1), box).convert("RGB"))
print("Pillow", *found)
assert found == ([128, 0, 128], [255, 0, 0]), f"Pillow changed: {found}"
PY
cat > order.cjs <<'JS'
const assert = require("node:assert");
const sharp = require("sharp");
const one = (image) => image.resize(1, 1, { fit: "fill" });
const pixel = async (image) => (await image.raw().toBuffer()).join(" ");
(async () => {
  const first = await pixel(one(sharp("two.png").removeAlpha()));
  const last = await pixel(one(sharp("two.png")).removeAlpha());
  const { data, info } = await sharp("two.png").removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const passes = await pixel(one(sharp(data, { raw: info })));
  console.log("sharp", [first, last, passes]);
  assert.deepEqual([first, last, passes], ["255 0 0", "255 0 0", "128 0 128"], "sharp changed");
})();
JS
node order.cjs
