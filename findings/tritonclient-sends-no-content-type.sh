#!/usr/bin/env bash
# Package: tritonclient 2.73.0 with the extra `http` (PyPI).
#
# Expected: A request of the V2 protocol says what it carries: application/json, or application/octet-stream when
#   tensors follow in binary. An error of any JSON form reaches the user with its text.
# Behaviour: No POST carries a Content-Type, neither for JSON nor for binary tensors. If no outputs are listed, the
#   client asks for binary outputs, even after `set_data_from_numpy(..., binary_data=False)`. Of an error it reads the
#   member `error` alone; a problem document (RFC 9457) is reported as a fault of the client.
#
# Output seen:
#   Content-Type of the request        absent
#   body, all inputs as JSON           {"inputs":[...],"parameters":{"binary_data_output":true}}
#   a 429 with {"detail": "too many requests"}
#                                      [429] an exception occurred in the client while decoding the response: 'error'
#   a 429 with {"error": "too many requests"}
#                                      [429] too many requests
#
# Meaning: A framework that routes by Content-Type (Fastify, Express) refuses this client or leaves the body unread. A
#   server must take a missing type as the protocol's own, be ready to send binary outputs, and put an `error` into
#   each error body.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet 'tritonclient[http]==2.73.0'

cat > check.py <<'PY'
import http.server, json, threading
import numpy
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

class Server(http.server.BaseHTTPRequestHandler):
    answer, requests = {}, []
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.headers.get("Content-Type"), body))
        answer = json.dumps(self.answer).encode()
        self.send_response(429)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = InferenceServerClient(f"127.0.0.1:{server.server_port}")

def infer(binary, answer):
    Server.answer = answer
    tensor = InferInput("x", [1], "FP32")
    tensor.set_data_from_numpy(numpy.ones(1, numpy.float32), binary_data=binary)
    try:
        client.infer("m", [tensor])
    except InferenceServerException as error:
        return str(error).splitlines()[0]

problem = infer(True, {"detail": "too many requests"})
error = infer(False, {"error": "too many requests"})
types = [content_type for content_type, _ in Server.requests]
sent = json.loads(Server.requests[1][1])
changed = "The behaviour has changed"
assert types == [None, None], f"{changed}: {types}"
assert sent["parameters"] == {"binary_data_output": True} and sent["inputs"][0]["data"] == [1.0], f"{changed}: {sent}"
assert problem.endswith("occurred in the client while decoding the response: 'error'"), f"{changed}: {problem}"
assert error == "[429] too many requests", f"{changed}: {error}"
print(f"As stated: Content-Type {types}; {sent}; {problem}; {error}")
PY
python/bin/python check.py
