#!/usr/bin/env bash
# Photographs preprocessed by torchvision, Keras, transformers and timm, and decoded here as a manifest says the same; and the
# classes that networks give them, preprocessed there and here: after `npm run build`,
#   test/decoding/as-trained/run.sh [python]
# Needs Python with venv, and fetches the libraries: PyTorch, too, unless a Python that has requirements-torch.txt and
# training/requirements.txt is given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
work=$(mktemp -d)
beside=
cleanup() {
  if [[ -n $beside ]]; then kill "$beside" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
export TF_CPP_MIN_LOG_LEVEL=3

python3 -m venv "$work/keras"
"$work/keras/bin/pip" install --quiet -r "$here/requirements-keras.txt"
torch=${1:-}
if [[ -z $torch ]]; then
  python3 -m venv "$work/torch"
  torch=$work/torch/bin/python
  "$torch" -m pip install --quiet -r "$here/requirements-torch.txt" -r "$root/training/requirements.txt"
fi
"$work/keras/bin/python" "$here/photos.py" "$work/photos"
"$torch" "$here/by_networks.py" "$work" "$root/models" &
beside=$!
"$work/keras/bin/python" "$here/by_keras.py" "$work"
"$torch" "$here/by_torchvision.py" "$work"
"$torch" "$here/by_config.py" "$work"
wait "$beside"
node "$root/dist/test/decoding/as-trained/top-1.js" "$work" &
beside=$!
node "$root/dist/test/decoding/as-trained/compare.js" "$work"
wait "$beside"
