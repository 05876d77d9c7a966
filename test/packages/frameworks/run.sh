#!/usr/bin/env bash
# Networks of today's frameworks, exported, imported and held against what their framework answers, and ONNX's own tests of
# operators: after `npm run build`,
#   test/packages/frameworks/run.sh           holds the table of docs/networks.md against what is found
#   test/packages/frameworks/run.sh --write   writes it
# Needs Python with venv and training/requirements.txt beside requirements.txt here: in the environment whose python is PYTHON,
# or else in one that is made for this run. CASES names a folder with further files, which are only imported and run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
server=
nodes=
cleanup() {
  for process in $server $nodes; do kill "$process" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT
python=${PYTHON:-$work/venv/bin/python}
if [[ -z ${PYTHON:-} ]]; then
  python3 -m venv "$work/venv"
  "$python" -m pip install --quiet -r "$root/training/requirements.txt" -r "$here/requirements.txt"
fi
dist=$root/dist/test/packages/frameworks
mkdir "$work/nodes" "$work/networks" "$work/guide" "$work/bin"
# Beside the exports, which keep two cores busy only now and then.
("$python" "$here/node_tests.py" "$work/nodes" && node "$dist/node-tests.js" "$work/nodes") \
  >"$work/nodes.log" 2>"$work/nodes.errors" &
nodes=$!
if ! "$python" "$here/export.py" "$work/networks" >"$work/export.log" 2>&1; then
  cat "$work/export.log"
  exit 1
fi
if [[ -n ${CASES:-} ]]; then "$python" "$here/given.py" "$CASES" "$work/networks"; fi
node "$dist/compare.js" "$work/networks" "$root/docs/networks.md" "$@"
if ! wait "$nodes"; then
  cat "$work/nodes.log" "$work/nodes.errors"
  exit 1
fi
nodes=
cat "$work/nodes.log"

# docs/networks.md by the letter: in a folder for each section, its Python, then its commands; then all of it is served.
"$python" "$here/sections.py" "$root/docs/networks.md" "$work/guide"
cat >"$work/bin/npx" <<EOF
#!/usr/bin/env bash
[[ \$1 == rdi-serve ]] && exec node "$root/dist/src/cli/main.js" "\${@:2}"
EOF
chmod +x "$work/bin/npx"
PATH=$work/bin:$(dirname "$python"):$PATH
for section in "$work/guide"/*/; do
  (cd "$section" && bash -e commands.sh >log 2>&1) || { cat "$section/log"; exit 1; }
  mkdir -p "$work/models"
  mv "$section/models"/* "$work/models/"
done
# Before the server is there: it is read at once, and the background may start late.
: >"$work/server.log"
node "$root/dist/src/cli/main.js" serve --models "$work/models" --host 127.0.0.1 --port 0 >"$work/server.log" &
server=$!
for _ in $(seq 150); do
  url=$(sed -n 's/.*"address":"\([^"]*\)".*"msg":"ready".*/\1/p' "$work/server.log")
  if [[ -n $url ]]; then break; fi
  kill -0 "$server" || { cat "$work/server.log"; exit 1; }
  sleep 0.2
done
for model in "$work/models"/*/; do
  name=$(basename "$model")
  answer=$(curl --silent --show-error --fail -H 'content-type: image/png' \
    --data-binary "@$root/docs/examples/digit-7.png" "$url/classify?model=$name")
  printf '%s: %s\n' "$name" "$(head -c 60 <<<"$answer")"
done
