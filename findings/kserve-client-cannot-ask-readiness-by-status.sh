#!/usr/bin/env bash
# Package: kserve 0.21.0 (PyPI), its class InferenceRESTClient, with the V2 protocol.
#
# Expected: The V2 protocol (Open Inference Protocol) tells health by the HTTP status. `is_server_ready` returns True
#   for 200 and False for 503, and so does `is_model_ready`.
# Behaviour: `is_model_ready` does exactly that and does not look at the body. `is_server_ready` and `is_server_live`
#   return the member `ready` or `live` of a JSON body. A 200 with an empty body raises JSONDecodeError, a 200 with
#   `{}` gives None, and a 503 raises HTTPStatusError instead of giving False.
#
# Output seen:
#   answer                    is_server_ready    is_model_ready
#   200, {"ready": true}      True               True
#   200, {}                   None               True
#   200, empty body           JSONDecodeError    True
#   503, {"ready": false}     HTTPStatusError    False
#
# Meaning: A server that answers health questions with a bare status, as the protocol allows, looks broken to this
#   client. A server does best to send {"ready": true} or {"live": true} along. A client that waits for a server must
#   catch exceptions; a loop `while not await client.is_server_ready(url)` ends at the first 503.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet kserve==0.21.0

cat > check.py <<'PY'
import asyncio, http.server, threading
from kserve import InferenceRESTClient, RESTConfig

class Server(http.server.BaseHTTPRequestHandler):
    answer = 200, b""
    def do_GET(self):
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

async def outcome(question):
    try:
        return str(await question)
    except Exception as error:
        return type(error).__name__

async def main(url):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    seen = []
    for Server.answer in (200, b'{"ready": true}'), (200, b"{}"), (200, b""), (503, b'{"ready": false}'):
        seen.append((await outcome(client.is_server_ready(url)), await outcome(client.is_model_ready(url, "m"))))
    stated = [("True", "True"), ("None", "True"), ("JSONDecodeError", "True"), ("HTTPStatusError", "False")]
    assert seen == stated, f"The behaviour has changed: {seen}"
    print("As stated:", *seen)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
asyncio.run(main(f"http://127.0.0.1:{server.server_port}"))
PY
python/bin/python check.py
