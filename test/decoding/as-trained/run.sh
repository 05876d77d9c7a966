#!/usr/bin/env bash
# Photographs preprocessed by torchvision, Keras, transformers and timm, and decoded here as a manifest says the same: after `npm run build`,
#   test/decoding/as-trained/run.sh [python]
# Needs Python with venv, and fetches the libraries: PyTorch, too, unless a Python that has requirements-torch.txt is given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TF_CPP_MIN_LOG_LEVEL=3

python3 -m venv "$work/keras"
"$work/keras/bin/pip" install --quiet -r "$here/requirements-keras.txt"
torch=${1:-}
if [[ -z $torch ]]; then
  python3 -m venv "$work/torch"
  torch=$work/torch/bin/python
  "$torch" -m pip install --quiet -r "$here/requirements-torch.txt"
fi
"$work/keras/bin/python" "$here/photos.py" "$work/photos"
"$work/keras/bin/python" "$here/by_keras.py" "$work"
"$torch" "$here/by_torchvision.py" "$work"
"$torch" "$here/by_config.py" "$work"
node "$root/dist/test/decoding/as-trained/compare.js" "$work"
