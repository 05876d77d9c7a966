#!/usr/bin/env bash
# Package: sharp 0.35.5 (npm, brings libvips 8.18.7).
#
# Expected: `metadata().channels` and `stats().channels.length` tell how many numbers per pixel `raw()` gives.
# Behaviour: For a grey PNG or JPEG both say 1, while `raw()` gives three equal numbers per pixel: sharp brings its
#   output to sRGB. `toColourspace('b-w')` keeps one channel, but it also drops the transparency of grey pixels that
#   have one. Raw grey input behaves alike: one channel goes in, three come out.
#
# Output seen:
#   input                      metadata, stats    raw()    toColourspace('b-w').raw()
#   grey PNG, grey JPEG        1, 1               3        1
#   raw pixels, 1 channel      -                  3        1
#   raw pixels, grey + alpha   -                  4        1
#
# Meaning: Code that sizes a tensor by `metadata().channels` reads the first third of each row, stretched threefold,
#   and gets no error. Take the number of channels from `info` of `toBuffer({ resolveWithObject: true })`.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import sharp from 'sharp';
const grey = { width: 4, height: 1, channels: 1 };
const pixels = Buffer.from([10, 100, 200, 250]);
const channels = async (image) => (await image.raw().toBuffer({ resolveWithObject: true })).info.channels;
const asked = (...input) => sharp(...input).toColourspace('b-w');

const seen = {};
for (const format of ['png', 'jpeg']) {
  const file = await asked(pixels, { raw: grey })[format]().toBuffer();
  const [{ channels: told }, stats] = [await sharp(file).metadata(), await sharp(file).stats()];
  seen[format] = [told, stats.channels.length, await channels(sharp(file)), await channels(asked(file))];
}
const alpha = { raw: { width: 2, height: 1, channels: 2 } };
seen.raw = [await channels(sharp(pixels, { raw: grey })), await channels(asked(pixels, { raw: grey }))];
seen['raw with alpha'] = [await channels(sharp(pixels, alpha)), await channels(asked(pixels, alpha))];

const stated = { png: [1, 1, 3, 1], jpeg: [1, 1, 3, 1], raw: [3, 1], 'raw with alpha': [4, 1] };
assert.deepEqual(seen, stated, 'The behaviour has changed');
console.log(`As stated: ${JSON.stringify(seen)}`);
JS
node check.mjs
