#!/usr/bin/env bash
# Every PNG, JPEG and WebP among the test images of Pillow, decoded here and by Pillow itself: after `npm run build`,
#   test/decoding/pillow-images/run.sh
# Needs Python with venv, and fetches Pillow and its source package. Nothing of it is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet -r "$here/requirements.txt"
pillow=$(grep '^pillow==' "$here/requirements.txt")
"$work/venv/bin/pip" download --quiet --no-binary pillow --no-deps --dest "$work" "$pillow"
tar xzf "$work/${pillow/==/-}.tar.gz" --directory "$work" --strip-components=2 "${pillow/==/-}/Tests/images"
"$work/venv/bin/python" "$here/expect.py" "$work/images" "$work/expected"
node "$root/dist/test/decoding/pillow-images/compare.js" "$work/images" "$work/expected"
