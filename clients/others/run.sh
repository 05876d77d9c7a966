#!/usr/bin/env bash
# Clients by other generators than those of the folders beside this one: generated, compiled and called.
#   clients/others/run.sh [orval] [openapi-fetch] [go] [rust]       by default the first two, as in continuous integration
# $RDI_URL: a running server, $RDI_API_KEY: one of its keys. Needs Node.js; go and rust need Maven, a JDK, and their compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
document=$root/openapi/openapi.json
images=$root/docs/examples

typescript_packages() {
  if [[ -d $work/node_modules ]]; then return; fi
  echo '{ "type": "module" }' >"$work/package.json"
  npm install --prefix "$work" --no-save --no-audit --no-fund --silent \
    typescript@5.9.3 @types/node@20.19.43 tsx@4.23.15 orval@8.38.0 openapi-typescript@7.13.0 openapi-fetch@0.17.0
}

# Compiles $1.ts, with its client beside it, and runs it.
call_typescript() {
  cp "$here/$1.ts" "$work"
  (cd "$work" && npx tsc --noEmit --strict --target es2023 --lib es2023,dom,dom.iterable --module esnext \
    --moduleResolution bundler --allowImportingTsExtensions --types node "$1.ts" && npx tsx "$1.ts" "$images")
}

# Writes a client to $work/client. $1: the generator, $2: its properties.
openapi_generator() {
  mvn --batch-mode --quiet dependency:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 \
    -DoutputDirectory="$work"
  java -jar "$work/openapi-generator-cli-7.25.0.jar" generate -i "$document" -o "$work/client" -g "$1" \
    --additional-properties="disallowAdditionalPropertiesIfNotPresent=false,$2" >"$work/generator.log" ||
    { cat "$work/generator.log"; return 1; }
}

orval() {
  typescript_packages
  # The address becomes a part of the generated code.
  cat >"$work/orval.config.mjs" <<CONFIG
export default {
  rdi: { input: '$document', output: { target: 'orval.gen.ts', client: 'fetch', baseUrl: '$RDI_URL' } },
};
CONFIG
  (cd "$work" && npx orval --config orval.config.mjs)
  # Where an operation takes two kinds of body, the generated code does not compile; docs/clients.md says so.
  sed -i '1i // @ts-nocheck' "$work/orval.gen.ts"
  call_typescript orval
}

openapi-fetch() {
  typescript_packages
  (cd "$work" && npx openapi-typescript "$document" --output openapi-fetch.gen.ts)
  call_typescript openapi-fetch
}

go() {
  openapi_generator go packageName=rdi,withGoMod=false
  cp -r "$here/go" "$work/program"
  cp -r "$work/client" "$work/program/rdi"
  (cd "$work/program" && command go run . "$images")
}

rust() {
  openapi_generator rust packageName=rdi-client
  cp -r "$here/rust" "$work/program"
  (cd "$work/program" && cargo run --quiet -- "$images")
}

if [[ $# == 0 ]]; then set -- orval openapi-fetch; fi
for generator in "$@"; do
  "$generator"
  printf '%s: generated, compiled and called\n' "$generator"
done
