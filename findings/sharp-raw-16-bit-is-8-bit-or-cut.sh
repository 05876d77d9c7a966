#!/usr/bin/env bash
# sharp: raw({ depth: "ushort" }) of a 16-bit PNG gives 8-bit values in 16-bit numbers.
#
# Packages: sharp 0.35.5 (npm, Node 20 or newer).
#
# Expected: a 16-bit PNG read with raw({ depth: "ushort" }) gives the values of the file. And
#   toColourspace("rgb16") alone does no harm. A grey PNG gives one channel.
#
# Behaviour: the pipeline goes to 8-bit sRGB first. So "ushort" gives 0 to 255 in 16-bit numbers.
#   With toColourspace("rgb16") and a plain raw(), the values are cut at 255 instead, so the image
#   turns white. Only both options together give the real values. And a grey PNG gives three
#   channels, unless toColourspace is "b-w" or "grey16". "b-w" also rounds where the others cut.
#
# Output seen for a grey PNG with the values 0 255 256 1000 32768 65535, first channel:
#   raw()                                             uchar  3 channels  0 0 1 3 128 255
#   raw({ depth: "ushort" })                          ushort 3 channels  0 0 1 3 128 255
#   toColourspace("rgb16").raw()                      uchar  3 channels  0 255 255 255 255 255
#   toColourspace("rgb16").raw({ depth: "ushort" })   ushort 3 channels  0 255 256 1000 32768 65535
#   toColourspace("grey16").raw({ depth: "ushort" })  ushort 1 channel   0 255 256 1000 32768 65535
#   toColourspace("b-w").raw()                        uchar  1 channel   0 1 1 4 128 255
#
# For people who serve models: code that divides "ushort" pixels by 65535 feeds an almost black image
#   to the model. Set the colour space and the depth together, and read info.channels
#   and info.depth of the result, not those of the file.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm i --silent --no-audit --no-fund sharp@0.35.5
cat > depth.cjs <<'JS'
const assert = require("node:assert");
const sharp = require("sharp");
const values = Uint16Array.of(0, 255, 256, 1000, 32768, 65535);
const eight = "0 0 1 3 128 255", cut = "0 255 255 255 255 255", real = [...values].join(" ");

(async () => {
  const grey = { raw: { width: 6, height: 1, channels: 1 } };
  const png = await sharp(values, grey).toColourspace("grey16").png().toBuffer();
  assert.equal((await sharp(png).metadata()).depth, "ushort");
  const read = async (space, depth) => {
    const image = space ? sharp(png).toColourspace(space) : sharp(png);
    const { data, info } = await image.raw(depth && { depth }).toBuffer({ resolveWithObject: true });
    const type = info.depth === "ushort" ? Uint16Array : Uint8Array;
    const pixels = new type(Uint8Array.from(data).buffer).filter((_, i) => i % info.channels === 0);
    return `${info.depth} ${info.channels}: ${pixels.join(" ")}`;
  };
  for (const [space, depth, want] of [
    [undefined, undefined, `uchar 3: ${eight}`],
    [undefined, "ushort", `ushort 3: ${eight}`],
    ["rgb16", undefined, `uchar 3: ${cut}`],
    ["rgb16", "ushort", `ushort 3: ${real}`],
    ["grey16", "ushort", `ushort 1: ${real}`],
    ["b-w", undefined, "uchar 1: 0 1 1 4 128 255"],
  ]) {
    const found = await read(space, depth);
    console.log(`space ${space}, depth ${depth} -> ${found}`);
    assert.equal(found, want, `sharp changed for space ${space}, depth ${depth}`);
  }
})();
JS
node depth.cjs
