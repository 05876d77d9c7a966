#!/usr/bin/env bash
# Packages: kserve 0.21.0 and tritonclient[grpc] 2.73.0 (PyPI), with protobuf 6.33.6.
#
# Expected: Two clients of one protocol live in one program: a test or a migration compares them, a notebook has both.
# Behaviour: Both ship the protocol's messages, generated from files of other names, and Python's protobuf knows each
#   message name once in a process. Whichever is imported second raises TypeError: duplicate symbol
#   'inference.ServerLiveRequest'. `import kserve` is enough: it needs its gRPC messages even for the REST client.
#   tritonclient.http has no messages, and lives beside kserve.
#
# Output seen:
#   import tritonclient.grpc, kserve    duplicate symbol
#   import kserve, tritonclient.grpc    duplicate symbol
#   import kserve, tritonclient.http    imported
#
# Meaning: Give each of the two gRPC clients a process of its own. A program of yours that generates the protocol's
#   messages for itself has the same conflict with both.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet kserve==0.21.0 'tritonclient[grpc,http]==2.73.0' protobuf==6.33.6

for modules in 'tritonclient.grpc, kserve' 'kserve, tritonclient.grpc' 'kserve, tritonclient.http'; do
  if "$folder/venv/bin/python" -c "import $modules" 2> "$folder/error"; then
    echo "$modules: imported"
  else
    echo "$modules: $(grep -o "duplicate symbol 'inference[^']*'" "$folder/error" || tail -1 "$folder/error")"
  fi
done > "$folder/seen"

diff "$folder/seen" - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
tritonclient.grpc, kserve: duplicate symbol 'inference.ServerLiveRequest'
kserve, tritonclient.grpc: duplicate symbol 'inference.ServerLiveRequest'
kserve, tritonclient.http: imported
EXPECTED
echo "As stated: $(paste -sd, "$folder/seen")"
