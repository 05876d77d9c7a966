#!/usr/bin/env bash
# Packages: @hey-api/openapi-ts 0.95.0 and openapi-typescript 7.13.0 with typescript 5.9.3 (npm),
#   openapi-python-client 0.29.1 (PyPI).
#
# Expected: An operation that takes `image/png` or `application/json` gets a generated method that takes either.
# Behaviour: The method takes JSON only. @hey-api/openapi-ts says nothing about it; openapi-python-client prints a
#   warning. If the operation takes images only, openapi-python-client leaves out the whole operation and still exits
#   with 0. It does take application/octet-stream. openapi-typescript keeps all types, but gives the image the type
#   `string`, in which bytes do not fit.
#
# Output seen, for the body of POST /classify:
#   document          @hey-api/openapi-ts     openapi-python-client       openapi-typescript
#   image/png, JSON   body: Numbers           body: Numbers               "image/png": string
#   image/png         body: Blob | File       no operation, exit 0        "image/png": string
#
# Meaning: A service that takes an image or JSON loses its main use in generated clients. Offer images in an operation
#   of their own, and list application/octet-stream beside the image types.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund \
  @hey-api/openapi-ts@0.95.0 openapi-typescript@7.13.0 typescript@5.9.3 2>/dev/null
python3 -m venv python
python/bin/pip install --quiet openapi-python-client==0.29.1

document() { # $1: the members of `content`
  cat <<JSON
{ "openapi": "3.1.0", "info": { "title": "classifier", "version": "1" },
  "paths": { "/classify": { "post": { "operationId": "classify",
    "requestBody": { "required": true, "content": { $1 } },
    "responses": { "200": { "description": "done" } } } } },
  "components": { "schemas": { "Numbers": { "type": "object", "required": ["data"],
    "properties": { "data": { "type": "array", "items": { "type": "number" } } } } } } }
JSON
}
image='"image/png": { "schema": { "type": "string", "format": "binary" } }'
json='"application/json": { "schema": { "$ref": "#/components/schemas/Numbers" } }'
document "$image, $json" > both.json
document "$image" > image.json

for name in both image; do
  npx --no-install openapi-ts --input $name.json --output $name-hey --plugins @hey-api/typescript > log 2>&1
  echo "$name hey-api: $(grep -A1 'ClassifyData = {' $name-hey/types.gen.ts | tail -n 1 | xargs)"
  npx --no-install openapi-typescript $name.json --output $name.d.ts > log 2>&1
  echo "$name openapi-typescript: $(grep -o '"image/png": .*' $name.d.ts | tr -d '"')"
  python/bin/openapi-python-client generate --path $name.json --output-path $name-python --meta none > log 2>&1
  operation=$(find $name-python/api -name classify.py)
  if [[ -n $operation ]]; then body=$(grep -m1 -o 'body: [A-Za-z]*' "$operation"); else body='no operation'; fi
  echo "$name openapi-python-client: $body"
done > seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
both hey-api: body: Numbers;
both openapi-typescript: image/png: string;
both openapi-python-client: body: Numbers
image hey-api: body: Blob | File;
image openapi-typescript: image/png: string;
image openapi-python-client: no operation
EXPECTED
echo "As stated: $(paste -sd, seen)"
