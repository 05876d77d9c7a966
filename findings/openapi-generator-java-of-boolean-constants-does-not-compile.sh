#!/usr/bin/env bash
# Package: openapi-generator-cli 7.25.0 (Maven), generator `java`, libraries `okhttp-gson` (the default) and `native`,
#   with the versions of their generated pom.xml. Needs a JDK (11 or newer) and Maven.
#
# Expected: A constant may be written as an enumeration with one value, of any type; TypeBox writes its literals so for
#   OpenAPI. The move of a document from OpenAPI 3.0 to 3.1, all else equal, leaves a client that compiles.
# Behaviour: From 3.0, the boolean becomes a plain Boolean. From 3.1, okhttp-gson makes an enum class whose constructor
#   takes a Boolean and is handed the string "true". The generator succeeds and warns of nothing; javac refuses the
#   class. Strings and integers compile from both.
#
# Output seen, errors of javac by type of the enumeration:
#                          string   integer   boolean
#   3.0.3  okhttp-gson          0         0         0
#   3.0.3  native               0         0         0
#   3.1.0  okhttp-gson          0         0         1
#   3.1.0  native               0         0         0
#
# Meaning: Say `type: boolean` for a constant in an OpenAPI 3.1 document, and compile its clients in CI: a document that
#   differs by one literal passes every validator and breaks one generator.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
maven=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
mvn -q -B $maven:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=.

errors() { # $1: version of OpenAPI, $2: library, $3: schema of the constant
  rm -rf client
  cat > document.json <<JSON
{ "openapi": "$1", "info": { "title": "health", "version": "1" },
  "paths": { "/ready": { "get": { "operationId": "ready",
    "responses": { "200": { "description": "ready", "content": { "application/json": {
      "schema": { "\$ref": "#/components/schemas/Ready" } } } } } } } },
  "components": { "schemas": { "Ready": { "type": "object", "required": ["ready"],
    "properties": { "ready": $3 } } } } }
JSON
  java -jar openapi-generator-cli-7.25.0.jar generate -i document.json -o client -g java --library "$2" > generated 2>&1
  if [[ ! -d jars-$2 ]]; then
    mvn -q -B -f client/pom.xml $maven:copy-dependencies -DincludeScope=compile -DoutputDirectory="$folder/jars-$2" \
      > maven.log 2>&1
  fi
  find client/src/main -name '*.java' -exec javac -nowarn -cp "jars-$2/*" -d classes {} + > javac.log 2>&1 || true
  grep -c 'error:' javac.log || true
}
for version in 3.0.3 3.1.0; do
  for library in okhttp-gson native; do
    echo "$version $library: $(errors $version $library '{"type": "string", "enum": ["yes"]}')" \
      "$(errors $version $library '{"type": "integer", "enum": [1]}')" \
      "$(errors $version $library '{"type": "boolean", "enum": [true]}')"
  done
done > seen

diff seen - <<'EXPECTED' || { cat javac.log; echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
3.0.3 okhttp-gson: 0 0 0
3.0.3 native: 0 0 0
3.1.0 okhttp-gson: 0 0 1
3.1.0 native: 0 0 0
EXPECTED
echo "As stated: $(paste -sd, seen)"
