#!/usr/bin/env bash
# Package: sharp 0.35.5 (npm, brings libvips 8.18.7).
#
# Expected: PNG is lossless. Options such as `effort: 10` (try harder) and `quality: 100` (the best) keep it so.
# Behaviour: Each of these two options switches to a palette of at most 256 colours, as does `colours`. The pixels
#   change. `compressionLevel: 9` is the option that makes files smaller without a loss.
#
# Output seen, for 64 x 64 pixels that all differ in colour:
#   png()                         4096 colours, mean error 0
#   png({ compressionLevel: 9 })  4096 colours, mean error 0
#   png({ effort: 10 })            256 colours, mean error 2.8 grey levels
#   png({ quality: 100 })          256 colours, mean error 2.8 grey levels
#
# Meaning: A data set, a golden test image or a benchmark that was written with these options is not the picture one
#   had. A classifier that was trained on the originals loses accuracy on it, and the file looks fine to the eye.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import sharp from 'sharp';
const pixels = Buffer.from(Array.from({ length: 64 * 64 }, (_, i) => [(i % 64) * 4, (i >> 6) * 4, 128]).flat());
const colours = (rgb) => new Set(rgb.toString('hex').match(/.{6}/g)).size;

const measure = async (options) => {
  const png = await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } }).png(options).toBuffer();
  const read = await sharp(png).raw().toBuffer();
  const error = read.reduce((sum, value, i) => sum + Math.abs(value - pixels[i]), 0) / read.length;
  return { colours: colours(read), error };
};

for (const options of [{}, { compressionLevel: 9 }]) {
  assert.deepEqual(await measure(options), { colours: 4096, error: 0 }, 'The lossless options lose something');
}
for (const options of [{ effort: 10 }, { quality: 100 }]) {
  const seen = await measure(options);
  const text = `${JSON.stringify(options)}: ${seen.colours} colours, mean error ${seen.error.toFixed(1)}`;
  assert(seen.colours <= 256 && seen.error > 1, `The behaviour has changed: ${text}`);
  console.log(`As stated: ${text}`);
}
JS
node check.mjs
