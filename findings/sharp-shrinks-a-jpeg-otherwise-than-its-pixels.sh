#!/usr/bin/env bash
# Package: sharp 0.35.5 (npm, brings libvips 8.18.7).
#
# Expected: A JPEG and a PNG that decode to the same pixels give the same pixels after the same `resize`. The filter
#   that `resize` uses is one that suppresses what is too fine for the smaller image.
# Behaviour: When a JPEG shrinks by three, sharp lets the JPEG decoder halve the image and only then resamples the
#   rest. The halving folds fine patterns into coarse ones, which no filter can remove any more. For the PNG, sharp
#   resamples all pixels. `fastShrinkOnLoad: false` makes the JPEG equal to the PNG.
#
# Output seen, for vertical stripes (one white pixel, two black ones) of 240 x 240 brought to 80 x 80, middle of a row:
#   PNG                                    85  85  85  85  85  85   (the mean brightness, as it should be)
#   JPEG                                  121  48 121  48 121  48   (stripes that are not in the image)
#   JPEG, with fastShrinkOnLoad: false     85  85  85  85  85  85
#
# Meaning: An accuracy that was measured with PNG files does not hold for JPEG uploads of the same pictures. Fabrics,
#   fences and screens show false patterns. A classifier should load with `fastShrinkOnLoad: false` if its training
#   decoded JPEG in full, as Pillow's `open` and `resize` do.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import sharp from 'sharp';
const size = 240;
const stripes = Buffer.alloc(size * size, Buffer.from([255, 0, 0]));
const jpeg = await sharp(stripes, { raw: { width: size, height: size, channels: 1 } }).jpeg({ quality: 95 }).toBuffer();
const png = await sharp(jpeg).png().toBuffer();
assert((await sharp(jpeg).raw().toBuffer()).equals(await sharp(png).raw().toBuffer()), 'the two decode differently');

const middle = async (image, options) => {
  const pixels = await sharp(image).resize(80, 80, options).extractChannel(0).raw().toBuffer();
  return [...pixels.subarray(40 * 80 + 20, 40 * 80 + 26)];
};
const [fromPng, fromJpeg, unhurried] = [
  await middle(png), await middle(jpeg), await middle(jpeg, { fastShrinkOnLoad: false }),
];
const spread = (row) => Math.max(...row) - Math.min(...row);
const seen = `PNG ${fromPng.join(' ')}; JPEG ${fromJpeg.join(' ')}; fastShrinkOnLoad: false ${unhurried.join(' ')}`;
assert(spread(fromPng) <= 2 && spread(fromJpeg) > 60 && spread(unhurried) <= 2, `The behaviour has changed: ${seen}`);
console.log(`As stated: ${seen}`);
JS
node check.mjs
