#!/usr/bin/env bash
# The command and the program of docs/clients.md, "TypeScript", by the letter: the client is generated, compiled and called.
# $RDI_URL: a running server, $RDI_API_KEY: one of its keys. $1: an empty folder to work in. First run `npm ci` here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
cd "$1"
ln -s "$root/openapi" openapi
sed -n '/^## TypeScript/,/^## Python/p' "$root/docs/clients.md" | awk '
  /^```sh/ { file = "commands.sh"; next }
  /^```ts/ { file = "guide.ts"; next }
  /^```/ { file = ""; next }
  file { print > file }'
bash -e commands.sh

# What the reader fills in: an image, and the server's address.
cat - <(sed "s#http://localhost:8080#$RDI_URL#" guide.ts) >program.ts <<'TS'
import { readFile } from 'node:fs/promises';
const file = new Blob([await readFile(process.argv[2] ?? '')]);
TS
ln -s "$here/node_modules" node_modules
npx tsc --noEmit --strict --target es2023 --lib es2023,dom,dom.iterable --module esnext --moduleResolution bundler \
  --types node program.ts
echo '{ "type": "module" }' >package.json
said=$(npx --yes tsx@4.23.15 program.ts "$root/docs/examples/digit-7.png")
echo "$said"
[[ $said == '7 0 '* ]]
