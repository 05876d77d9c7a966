#!/usr/bin/env bash
# grpcurl finds a server's services by reflection, describes and calls them. $1: host:port of gRPC. Needs Go.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
GOBIN=$folder go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3
ask() { "$folder/grpcurl" -plaintext "$@"; }

diff <(ask "$1" list) - <<END
grpc.health.v1.Health
grpc.reflection.v1.ServerReflection
inference.GRPCInferenceService
END
ask "$1" describe | grep 'rpc ModelStreamInfer ( stream .inference.ModelInferRequest )' >/dev/null
ask "$1" describe inference.ModelInferRequest.InferInputTensor | grep 'repeated int64 shape = 3;' >/dev/null
ask "$1" grpc.health.v1.Health/Check | grep SERVING >/dev/null
ask -d '{"name": "mnist-smallcnn"}' "$1" inference.GRPCInferenceService/ModelMetadata | grep probabilities >/dev/null
image=$(base64 -w0 docs/examples/digit-7.png)
request='{"model_name": "mnist-smallcnn", "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1],
  "contents": {"bytes_contents": ["'$image'"]}}], "outputs": [{"name": "label"}]}'
# As text it is 7, behind its length, 1.
label=$(printf '\1\0\0\0007' | base64)
for method in ModelInfer ModelStreamInfer; do
  ask -d "$request" "$1" "inference.GRPCInferenceService/$method" | grep "$label" >/dev/null
done
if ask -d '{"name": "other"}' "$1" inference.GRPCInferenceService/ModelMetadata 2>"$folder/error"; then exit 1; fi
grep 'Code: NotFound' "$folder/error" >/dev/null
echo 'grpcurl: lists, describes and calls'
