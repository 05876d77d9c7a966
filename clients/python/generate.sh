#!/usr/bin/env bash
# How the Python client is made: writes the package rdi_serve_client to the folder $1.
# Needs openapi-python-client (requirements.txt).
set -euo pipefail
here=$(dirname "$0")
# It leaves out the image types, and says so: application/octet-stream is the one it can send.
openapi-python-client generate --path "$here/../../openapi/openapi.json" --config "$here/config.yml" \
  --meta none --output-path "$1/rdi_serve_client" --overwrite
