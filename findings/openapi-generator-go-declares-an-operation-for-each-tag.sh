#!/usr/bin/env bash
# Package: openapi-generator-cli 7.25.0 (Maven), generators `go` and `java`. Needs Java, Maven and Go.
#
# Expected: An operation may have several tags: they are for grouping in documents, and each operation has one operationId.
#   So a client has it once, or once in each group without a clash.
# Behaviour: Both generators write the operation into a class for each of its tags. Java's classes are apart. Go's are
#   files of one package, which also declare the operation's request type and its Execute function, each of them twice:
#   the generator succeeds and warns of nothing, and the package does not compile.
#
# Output seen:
#   one tag    go compiles               java: 1 class
#   two tags   go: redeclared in block   java: 2 classes
#
# Meaning: Give an operation one tag if people generate Go clients of it. No validator objects to two.
set -euo pipefail

folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=.

try() { # $1: the tags
  rm -rf client java
  cat > document.json <<JSON
{ "openapi": "3.0.3", "info": { "title": "models", "version": "1" },
  "paths": { "/models": { "get": { "operationId": "listModels", "tags": $1,
    "responses": { "200": { "description": "names", "content": { "application/json": {
      "schema": { "type": "array", "items": { "type": "string" } } } } } } } } } }
JSON
  java -jar openapi-generator-cli-7.25.0.jar generate -i document.json -o client -g go \
    --git-user-id example --git-repo-id models > generated 2>&1
  java -jar openapi-generator-cli-7.25.0.jar generate -i document.json -o java -g java >> generated 2>&1
  rm -rf client/test
  if (cd client && go mod tidy && go build ./...) > go.log 2>&1; then built=compiles
  else built=$(grep -o 'redeclared in this block' go.log | sort -u); fi
  echo "$1: go $built, java $(grep -l 'listModels' java/src/main/java -r | wc -l)"
}
{ try '["models"]'; try '["models", "operations"]'; } > seen

diff seen - <<'EXPECTED' || { cat go.log; echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
["models"]: go compiles, java 1
["models", "operations"]: go redeclared in this block, java 2
EXPECTED
echo "As stated: $(paste -sd';' seen)"
