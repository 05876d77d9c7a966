#!/usr/bin/env bash
# Packages: tritonclient 2.73.0 with the extra `http`, numpy 2.4.6 and Pillow 13.0.0 (PyPI).
#
# Expected: A BYTES tensor carries the bytes of a file as they are. numpy.array([image]) is a fine way to make one.
# Behaviour: numpy.array([image]) makes an array of dtype S, and numpy drops the zero bytes at the end of each
#   element. tritonclient accepts this dtype and announces the shortened length. With dtype=object all bytes go out.
#   PNG and JPEG never end with a zero byte, but WebP does: the last bits of the coder are often zeros, and a chunk of
#   odd length is padded with one.
#
# Output seen, for a grey ramp of 1 x 1 to 40 x 40 pixels saved by Pillow with its defaults:
#   PNG    40 of 40 images arrive whole
#   JPEG   40 of 40
#   WebP    0 of 40; Pillow cannot read any of the 40 shortened files
#   with dtype=object, all 120 arrive whole
#
# Meaning: The server gets a WebP that is shorter than its header says, and its decoder takes that for a broken
#   upload. JPEG and PNG work, so that the fault is searched for in the server. Use dtype=object for BYTES.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet 'tritonclient[http]==2.73.0' numpy==2.4.6 pillow==13.0.0

cat > check.py <<'PY'
import io, numpy
from PIL import Image
from tritonclient.http import InferenceServerClient, InferInput

def encode(size, format):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((size, size)).convert("RGB").save(file, format)
    return file.getvalue()

def sent(image, **dtype):
    """The element of a BYTES tensor as it goes over the wire, without the four bytes that tell its length."""
    tensor = InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(numpy.array([image], **dtype))
    body, json_size = InferenceServerClient.generate_request_body([tensor])
    return body[json_size + 4:]

def is_image(data):
    try:
        Image.open(io.BytesIO(data)).load()
        return True
    except Exception:
        return False

seen = {}
for format in "PNG", "JPEG", "WEBP":
    images = [encode(size, format) for size in range(1, 41)]
    assert all(sent(image, dtype=object) == image for image in images), "dtype=object cuts, too"
    whole = sum(sent(image) == image for image in images)
    readable = sum(is_image(sent(image)) for image in images)
    seen[format] = whole, readable
assert seen == {"PNG": (40, 40), "JPEG": (40, 40), "WEBP": (0, 0)}, f"The behaviour has changed: {seen}"
print("As stated: whole and readable of 40 each:", seen)
PY
python/bin/python check.py
