#!/usr/bin/env bash
# Package: sharp 0.35.5 (npm, brings libvips 8.18.7).
#
# Expected: `raw({ depth: 'ushort' })` of a PNG with 16 bits per sample returns its samples, and floating-point pixels
#   stay as they are with `raw({ depth: 'float' })`.
# Behaviour: sharp converts to 8-bit sRGB first and widens the result afterwards. The output has the asked type, but
#   only values from 0 to 255, and one grey channel has become three. One channel of floats fares worse: sharp takes
#   it for 16-bit grey and divides by 256, so that all numbers between 0 and 1 become 0. For 16 bits,
#   `toColourspace('grey16')` in front of `raw` gives what one expects.
#
# Output seen:
#   16-bit samples 0 200 300 65535    depth ushort                    0 0 0  0 0 0  1 1 1  255 255 255
#                                     grey16 and then depth ushort    0 200 300 65535
#   float pixels   0 0.5 1 300        depth float                     0 0 0  0 0 0  0 0 0  1 1 1
#
# Meaning: A service that hands 16-bit images, depth maps or heat maps (a saliency map to lay over the picture)
#   through sharp loses them without an error: the type is right, the numbers are not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sharp@0.35.5

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import sharp from 'sharp';
const raw = { width: 4, height: 1, channels: 1 };
const png = await sharp(new Uint16Array([0, 200, 300, 65535]), { raw }).toColourspace('grey16').png().toBuffer();
assert.equal((await sharp(png).metadata()).depth, 'ushort');

const read = async (image, Type, depth) => {
  const bytes = new Uint8Array(await image.raw({ depth }).toBuffer());
  return [...new Type(bytes.buffer)];
};
const plain = await read(sharp(png), Uint16Array, 'ushort');
const asked = await read(sharp(png).toColourspace('grey16'), Uint16Array, 'ushort');
const float = await read(sharp(new Float32Array([0, 0.5, 1, 300]), { raw }), Float32Array, 'float');

const changed = 'The behaviour has changed';
assert.deepEqual(plain, [0, 0, 0, 0, 0, 0, 1, 1, 1, 255, 255, 255], changed);
assert.deepEqual(asked, [0, 200, 300, 65535], changed);
assert.deepEqual(float, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1], changed);
console.log(`As stated: ushort ${plain.join(' ')}; grey16 and ushort ${asked.join(' ')}; float ${float.join(' ')}`);
JS
node check.mjs
