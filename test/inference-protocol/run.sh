#!/usr/bin/env bash
# Triton's, KServe's and MLServer's clients of the Open Inference Protocol, perf_analyzer and grpcurl, against a server with
# the shipped models. Needs Python, Go, and Debian's libb64-0d; build first.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
server=
cleanup() {
  stop || true
  rm -rf "$folder"
}
trap cleanup EXIT

# With the settings given; sets $url and $grpc_port.
start() {
  # Before the server is there: it is read at once, and the background may start late.
  : >"$folder/server.log"
  node dist/src/cli/main.js serve --host 127.0.0.1 --port 0 --grpc --grpc-port 0 "$@" >"$folder/server.log" &
  server=$!
  url=
  for _ in $(seq 150); do
    url=$(sed -n 's/.*"address":"\([^"]*\)".*"msg":"ready".*/\1/p' "$folder/server.log")
    if [[ -n $url ]]; then break; fi
    kill -0 "$server" || break
    sleep 0.2
  done
  if [[ -z $url ]]; then cat "$folder/server.log"; return 1; fi
  grpc_port=$(sed -n 's/.*"grpcPort":\([0-9]*\).*"msg":"ready".*/\1/p' "$folder/server.log")
}
stop() {
  if [[ -z $server ]]; then return; fi
  kill "$server"
  wait "$server"
  server=
}
run() { "$folder/$1/bin/python" "test/inference-protocol/$2.py" "$url" "$grpc_port"; }

python3 -m venv "$folder/clients"
"$folder/clients/bin/pip" install --quiet -r test/inference-protocol/requirements.txt
# MLServer's needs do not go together with KServe's.
for apart in mlserver perf-analyzer; do python3 -m venv "$folder/$apart"; done
"$folder/mlserver/bin/pip" install --quiet -r test/inference-protocol/requirements-mlserver.txt
"$folder/perf-analyzer/bin/pip" install --quiet --no-deps -r test/inference-protocol/requirements-perf-analyzer.txt

start
run clients triton_clients
run clients image_client
run clients kserve_clients
run mlserver mlserver_types
run perf-analyzer perf_analyzer
test/inference-protocol/grpcurl.sh "127.0.0.1:$grpc_port"
stop
start --protocol-datatype BYTES
run perf-analyzer perf_analyzer
stop
