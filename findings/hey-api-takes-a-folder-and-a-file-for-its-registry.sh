#!/usr/bin/env bash
# Package: @hey-api/openapi-ts 0.95.0 (npm), which generates TypeScript clients; needs Node.js 20 or newer.
#
# Expected: `--input openapi/openapi.json` is the file openapi.json in the folder openapi, which is there.
# Behaviour: A relative path of exactly two parts is taken for `organization/project` of the maker's own registry, whether
#   the file exists or not, and refused because a project's name has no dot. The same path with ./ before it, a file name
#   alone, or three parts are files.
#
# Output seen, document at openapi/openapi.json, copied to openapi.json and api/openapi/openapi.json:
#   openapi.json                 client written
#   openapi/openapi.json         fails: 'Invalid Hey API shorthand format. Expected "organization/project…'
#   ./openapi/openapi.json       client written
#   api/openapi/openapi.json     client written
#
# Meaning: Write ./ before the path in commands and configurations. The message does not mention files.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @hey-api/openapi-ts@0.95.0 typescript@5.9.3
mkdir -p openapi api/openapi
cat > openapi.json <<'JSON'
{ "openapi": "3.1.0", "info": { "title": "models", "version": "1" },
  "paths": { "/models": { "get": { "operationId": "listModels",
    "responses": { "200": { "description": "names", "content": { "application/json": {
      "schema": { "type": "array", "items": { "type": "string" } } } } } } } } } }
JSON
cp openapi.json openapi/
cp openapi.json api/openapi/

for input in openapi.json openapi/openapi.json ./openapi/openapi.json api/openapi/openapi.json; do
  rm -rf client
  timeout 120 npx openapi-ts --input "$input" --output client > log 2>&1 || true
  if [[ -f client/sdk.gen.ts ]]; then echo "$input: client"; else echo "$input: fails"; cp log log-of-failure; fi
done > seen

diff seen - <<'EXPECTED' || { cat log; echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
openapi.json: client
openapi/openapi.json: fails
./openapi/openapi.json: client
api/openapi/openapi.json: client
EXPECTED
grep -m 1 'Invalid Hey API shorthand format' log-of-failure
echo "As stated: $(paste -sd';' seen)"
