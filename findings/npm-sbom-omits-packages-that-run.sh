#!/usr/bin/env bash
# Package: npm 11.19.1, and npm 10.9.4, `npm sbom`.
#
# Expected: `npm sbom --omit dev` lists what `npm install --omit dev` installs: the packages that run.
# Behaviour: A package is left out as soon as a development package depends on it too, whether it is a direct
#   dependency of the project or one of its own dependencies. The lock file marks it rightly as no development package,
#   `npm ls --omit dev` lists it, and in `npm sbom` without `--omit` it lacks the property
#   cdx:npm:package:development.
#
# Output seen, for a project that runs @bufbuild/protobuf, which the development package @connectrpc/connect needs too:
#   npm ls --omit dev              @bufbuild/protobuf
#   npm sbom --omit dev            nothing
#   npm sbom, without those that
#   have the property              @bufbuild/protobuf
#
# Meaning: A scanner that reads this bill of materials finds no vulnerability in such packages, and nobody misses them:
#   the list only grows shorter when a development package is added. List all, and filter by the property.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir npm10 npm11 project
(cd npm10 && npm install --silent --no-audit --no-fund --prefix . npm@10.9.4)
(cd npm11 && npm install --silent --no-audit --no-fund --prefix . npm@11.19.1)
cd project
cat > package.json <<'JSON'
{ "name": "project", "version": "1.0.0", "private": true,
  "dependencies": { "@bufbuild/protobuf": "2.17.0" }, "devDependencies": { "@connectrpc/connect": "2.1.2" } }
JSON
npm install --silent --no-audit --no-fund

names() { # of the components on standard input that are not marked as development packages
  node -e '
    const { components } = JSON.parse(require("fs").readFileSync(0));
    const isDev = ({ properties = [] }) => properties.some(({ name }) => name === "cdx:npm:package:development");
    console.log(components.filter((one) => !isDev(one)).map(({ name }) => name).join(" ") || "nothing");
  '
}
for npm in npm10 npm11; do
  run() { node "$folder/$npm/node_modules/npm/bin/npm-cli.js" "$@"; }
  echo "$npm ls --omit dev: $(run ls --omit dev --parseable | sed -n 's#.*/node_modules/##p')"
  echo "$npm sbom --omit dev: $(run sbom --omit dev --sbom-format cyclonedx | names)"
  echo "$npm sbom: $(run sbom --sbom-format cyclonedx | names)"
done > "$folder/seen"

diff "$folder/seen" - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
npm10 ls --omit dev: @bufbuild/protobuf
npm10 sbom --omit dev: nothing
npm10 sbom: @bufbuild/protobuf
npm11 ls --omit dev: @bufbuild/protobuf
npm11 sbom --omit dev: nothing
npm11 sbom: @bufbuild/protobuf
EXPECTED
echo "As stated: $(paste -sd, "$folder/seen")"
