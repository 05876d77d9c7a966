#!/usr/bin/env bash
# Packages: fast-png 8.0.0, compared with pngjs 7.0.0 and sharp 0.35.5 (npm).
#
# Expected: `decode(png).data` has one number per sample, so that `data.length` is width * height * channels.
# Behaviour: It has the bytes as they are stored. For 1, 2 or 4 bits per pixel, several pixels share a byte. For a
#   palette, the numbers are indices into it, and `channels` says 1. `convertIndexedToRgb` resolves a palette; for
#   packed grey there is no such function, the caller has to take the bits apart. pngjs and sharp return full pixels.
#
# Output seen, for a row of 8 pixels:
#   grey with 1 bit, black and white by turns   fast-png 1 number: 85       sharp and pngjs: 0 255 0 255 0 255 0 255
#   palette, red and blue by turns              fast-png 2 numbers: 68 68   sharp and pngjs: 255 0 0, 0 0 255, ...
#
# Meaning: MNIST-like data, masks, logos and screenshots are often stored so. A tensor filled from `data` is too short
#   or holds indices where a model expects brightness. Check `depth` and `palette` before you use the pixels.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fast-png@8.0.0 pngjs@7.0.0 sharp@0.35.5

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib';
import { convertIndexedToRgb, decode } from 'fast-png';
import { PNG } from 'pngjs';
import sharp from 'sharp';
const chunk = (name, body) => {
  const frame = Buffer.alloc(body.length + 12);
  frame.writeUInt32BE(body.length);
  Buffer.concat([Buffer.from(name), body]).copy(frame, 4);
  frame.writeUInt32BE(crc32(frame.subarray(4, -4)), body.length + 8);
  return frame;
};
const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const header = Buffer.from([0, 0, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0]); // 8 x 1, 1 bit, grey
const grey = Buffer.concat([signature, chunk('IHDR', header),
  chunk('IDAT', deflateSync(Buffer.from([0, 0b01010101]))), chunk('IEND', Buffer.alloc(0))]);
const colours = Buffer.alloc(24, Buffer.from([255, 0, 0, 0, 0, 255]));
const palette = await sharp(colours, { raw: { width: 8, height: 1, channels: 3 } })
  .png({ palette: true, colours: 4 }).toBuffer();

const rgb = async (png) => {
  const pixels = [...await sharp(png).raw().toBuffer()];
  const others = [...PNG.sync.read(png).data].filter((_, index) => index % 4 !== 3);
  assert.deepEqual(others, pixels, 'pngjs and sharp differ');
  return pixels;
};
const seen = { grey: [...decode(grey).data], palette: [...decode(palette).data] };
const changed = `The behaviour has changed: ${JSON.stringify(seen)}`;
assert.deepEqual(seen, { grey: [0b01010101], palette: [0b01000100, 0b01000100] }, changed);
assert.equal(decode(palette).channels, 1, changed);
assert.deepEqual(await rgb(grey), [0, 255, 0, 255, 0, 255, 0, 255].flatMap((value) => [value, value, value]));
assert.deepEqual(await rgb(palette), [...colours]);
assert.deepEqual([...convertIndexedToRgb(decode(palette))], [...colours], 'convertIndexedToRgb does not resolve it');
console.log(`As stated: fast-png gives ${JSON.stringify(seen)} for 8 pixels each`);
JS
node check.mjs
