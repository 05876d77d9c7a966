#!/usr/bin/env bash
# add-exits on a pretrained network that a package registry ships: PaddleOCR's classifier of text directions (upright or
# upside down), an ONNX file in the Python package rapidocr-onnxruntime (Apache-2.0), and lines of text drawn here.
# docs/add-exits.md has its results.
#
#   npm run build && bench/add-exits/text-direction.sh FOLDER
#
# Needs Python 3.11 or later with venv. FOLDER gets the network, the images and the package.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:?the folder to work in}
mkdir -p "$work"

python3 -m venv "$work/python"
python=$work/python/bin/python
"$python" -m pip install --quiet pillow==13.0.0 matplotlib==3.11.2 # matplotlib brings the fonts
"$python" -m pip download --quiet --no-deps --dest "$work" rapidocr-onnxruntime==1.4.4
"$python" -m zipfile -e "$work/rapidocr_onnxruntime-1.4.4-py3-none-any.whl" "$work/wheel"
cp "$work/wheel/rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx" "$work/text-direction.onnx"
printf '0\n180\n' >"$work/directions.txt"

draw() { "$python" bench/add-exits/draw_text.py --text docs "$@"; }
draw --images 5000 --seed 1 --out "$work/text.zip"
draw --images 3000 --seed 2 --out "$work/test.zip"
draw --images 3000 --seed 3 --fonts STIXGeneral --out "$work/another-font.zip"

node dist/src/cli/main.js add-exits "$work/text-direction.onnx" --size 48x192 --data "$work/text.zip" \
  --classes "$work/directions.txt" --preprocess symmetric --licence Apache-2.0 --output "$work/models" --force
for images in test another-font; do
  node dist/src/cli/main.js evaluate text-direction --models "$work/models" --data "$work/$images.zip"
done
node dist/bench/add-exits/profiles.js "$work/models" text-direction "$work/test.zip" 2 5
