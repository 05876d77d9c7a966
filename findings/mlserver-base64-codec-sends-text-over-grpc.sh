#!/usr/bin/env bash
# Package: mlserver 1.7.1 (PyPI), with protobuf 6.33.6.
#
# Expected: Base64Codec exists because JSON has no bytes. Over gRPC a tensor of BYTES has a field of bytes, so the image
#   stands there as it is; and a request that can be sent over REST can be sent over gRPC.
# Behaviour: The converter to gRPC copies what the codec made for JSON. The field of bytes holds the base64 text in ASCII,
#   and only the parameter content_type of the input, "base64", says so. With use_bytes=False, which makes the request that
#   JSON needs, the converter raises TypeError: expected bytes, str found.
#
# Output seen:
#   REST's form: iVBORwD/
#   gRPC, use_bytes=True: base64 text, content_type base64
#   gRPC, use_bytes=False: TypeError
#
# Meaning: A server of the protocol has to read content_type of a BYTES input over gRPC as well, and decode; one that takes
#   the bytes for the image refuses valid images as damaged. A client sends pictures over gRPC with raw_input_contents or
#   another codec, or chooses use_bytes by the transport.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlserver==1.7.1 protobuf==6.33.6

"$folder/venv/bin/python" - > "$folder/seen" <<'PROGRAM'
import base64

from mlserver import types
from mlserver.codecs import Base64Codec
from mlserver.grpc import converters

image = bytes([137, 80, 78, 71, 0, 255])


def over_grpc(tensor):
    request = types.InferenceRequest(inputs=[tensor])
    message = converters.ModelInferRequestConverter.from_types(request, model_name="any")
    [sent] = message.inputs[0].contents.bytes_contents
    form = {image: "the image", base64.b64encode(image): "base64 text"}.get(sent, sent)
    return f"{form}, content_type {message.inputs[0].parameters['content_type'].string_param}"


print("REST's form:", Base64Codec.encode_input("image", [image], use_bytes=False).data.root[0])
for use_bytes in (True, False):
    try:
        seen = over_grpc(Base64Codec.encode_input("image", [image], use_bytes=use_bytes))
    except TypeError as error:
        seen = f"TypeError: {error}"
    print(f"gRPC, use_bytes={use_bytes}: {seen}")
PROGRAM

diff "$folder/seen" - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
REST's form: iVBORwD/
gRPC, use_bytes=True: base64 text, content_type base64
gRPC, use_bytes=False: TypeError: expected bytes, str found
EXPECTED
echo "As stated: $(paste -sd, "$folder/seen")"
