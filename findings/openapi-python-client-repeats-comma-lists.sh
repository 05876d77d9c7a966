#!/usr/bin/env bash
# Packages: openapi-python-client 0.29.1 with httpx 0.28.1 (PyPI).
#
# Expected: A query parameter with `style: form` and `explode: false` is a list with commas: ?exits=1,3. So says
#   OpenAPI.
# Behaviour: The generated client ignores `explode` and repeats the parameter. For pipeDelimited and spaceDelimited it
#   does the same. The generator gives no warning about any of them.
#
# Output seen, for the list [1, 3]:
#   in the document                        sent            by OpenAPI
#   form, explode: true                    a=1&a=3         a=1&a=3
#   form, explode: false                   b=1&b=3         b=1,3
#   pipeDelimited, explode: false          c=1&c=3         c=1|3
#
# Meaning: A server that follows its own document reads one value of two, or refuses the request. For lists in
#   queries, document the default (`explode: true`), which generators know.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet openapi-python-client==0.29.1 httpx==0.28.1

cat > document.json <<'JSON'
{ "openapi": "3.1.0", "info": { "title": "classifier", "version": "1" },
  "paths": { "/classify": { "get": { "operationId": "classify",
    "parameters": [
      { "name": "a", "in": "query", "style": "form", "explode": true,
        "schema": { "type": "array", "items": { "type": "integer" } } },
      { "name": "b", "in": "query", "style": "form", "explode": false,
        "schema": { "type": "array", "items": { "type": "integer" } } },
      { "name": "c", "in": "query", "style": "pipeDelimited", "explode": false,
        "schema": { "type": "array", "items": { "type": "integer" } } }
    ],
    "responses": { "200": { "description": "done" } } } } } }
JSON
python/bin/openapi-python-client generate --path document.json --output-path generated --meta none > log 2>&1
if grep -qi 'explode\|pipeDelimited' log; then echo 'The behaviour has changed: the generator warns.' >&2; exit 1; fi
cat > check.py <<'PY'
import httpx
from generated.api.default import classify
from generated.client import Client

sent = []
def answer(request):
    sent.append(request.url.query.decode())
    return httpx.Response(200)

transport = httpx.Client(base_url="http://server", transport=httpx.MockTransport(answer))
client = Client("http://server").set_httpx_client(transport)
classify.sync_detailed(client=client, a=[1, 3], b=[1, 3], c=[1, 3])
assert sent == ["a=1&a=3&b=1&b=3&c=1&c=3"], f"The behaviour has changed: {sent}"
print("As stated:", *sent)
PY
python/bin/python check.py
