#!/usr/bin/env bash
# Package: kserve 0.21.0 (PyPI), its class InferenceRESTClient, with the V2 protocol.
#
# Expected: A refused request raises an error with the text of the answer's member `error`, as long as the answer is JSON:
#   `application/json`, with or without a charset, or a type that ends in `+json`, as problem documents have (RFC 9457).
# Behaviour: The content type is compared with the text `application/json`, letter by letter. With any other, the error
#   only has the status line, and the text is lost.
#
# Output seen: (the same body each time; whether the text is in the error)
#   application/json                  True
#   application/json; charset=utf-8   False
#   application/problem+json          False
#
# Meaning: Most frameworks add the charset by themselves, so users of this client see "400 Bad Request" and never why. A
#   server for it sends `application/json` and nothing behind it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet kserve==0.21.0

cat > check.py <<'PY'
import asyncio, http.server, json, threading
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

BODY = json.dumps({"error": "the image is upside down"}).encode()

class Server(http.server.BaseHTTPRequestHandler):
    content_type = ""
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Type", self.content_type)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
    def log_message(self, *_): pass

async def main(url):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    seen = {}
    for Server.content_type in "application/json", "application/json; charset=utf-8", "application/problem+json":
        request = InferRequest("m", [InferInput("image", [1], "FP32", data=[1.0])])
        try:
            await client.infer(url, request, model_name="m")
        except Exception as error:
            seen[Server.content_type] = "upside down" in str(error)
    stated = {"application/json": True, "application/json; charset=utf-8": False, "application/problem+json": False}
    assert seen == stated, f"The behaviour has changed: {seen}"
    print("As stated:", seen)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
asyncio.run(main(f"http://127.0.0.1:{server.server_port}"))
PY
python/bin/python check.py
