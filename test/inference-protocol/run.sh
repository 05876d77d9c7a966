#!/usr/bin/env bash
# Triton's and KServe's clients of the Open Inference Protocol against a server with the shipped models. Needs Python;
# build first.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
server=
cleanup() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$folder"
}
trap cleanup EXIT

python3 -m venv "$folder/clients"
"$folder/clients/bin/pip" install --quiet -r test/inference-protocol/requirements.txt

node dist/src/cli/main.js serve --host 127.0.0.1 --port 0 --grpc --grpc-port 0 >"$folder/server.log" &
server=$!
url=
for _ in $(seq 150); do
  url=$(sed -n 's/.*"address":"\([^"]*\)".*"msg":"ready".*/\1/p' "$folder/server.log")
  if [[ -n $url ]]; then break; fi
  kill -0 "$server" || break
  sleep 0.2
done
if [[ -z $url ]]; then cat "$folder/server.log"; exit 1; fi
grpc_port=$(sed -n 's/.*"grpcPort":\([0-9]*\).*"msg":"ready".*/\1/p' "$folder/server.log")
for clients in triton kserve; do
  "$folder/clients/bin/python" "test/inference-protocol/${clients}_clients.py" "$url" "$grpc_port"
done
