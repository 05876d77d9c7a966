#!/usr/bin/env bash
# A server behind nginx and haproxy: good and bad requests over HTTP/1.0 and 1.1 all get the service's own answer, and
# Swagger UI works behind a path prefix (with a browser). Needs nginx and haproxy; build first.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
processes=()
cleanup() {
  for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
  wait || true
  rm -rf "$folder"
}
trap cleanup EXIT

words=(service nginx-defaults nginx-streaming haproxy-shared haproxy-closing)
read -ra ports < <(node -e '
  const servers = process.argv.slice(1).map(() => require("net").createServer().listen(0, "127.0.0.1"));
  Promise.all(servers.map((one) => new Promise((done) => one.once("listening", done)))).then(() => {
    console.log(servers.map((one) => one.address().port).join(" "));
    for (const one of servers) one.close();
  });' "${words[@]}")
replace=(-e "s#@folder@#$folder#")
declare -A port
for index in "${!words[@]}"; do
  port[${words[index]}]=${ports[index]}
  replace+=(-e "s#@${words[index]}@#${ports[index]}#")
done
sed "${replace[@]}" test/proxies/nginx.conf >"$folder/nginx.conf"
sed "${replace[@]}" test/proxies/haproxy.cfg >"$folder/haproxy.cfg"

node dist/src/cli/main.js serve --host 127.0.0.1 --port "${port[service]}" --max-image-bytes 1000000 \
  --max-batch-bytes 8000000 >"$folder/service.log" &
processes+=($!)
nginx -c "$folder/nginx.conf" -e "$folder/nginx-errors.log" -g 'daemon off;' &
processes+=($!)
haproxy -db -f "$folder/haproxy.cfg" &
processes+=($!)
for _ in $(seq 150); do
  if grep -q '"msg":"ready"' "$folder/service.log"; then break; fi
  sleep 0.2
done

for front in "${port[nginx-defaults]}/" "${port[nginx-streaming]}/vision/"; do
  node dist/test/proxies/requests.js "http://127.0.0.1:$front"
done
for front in "${port[haproxy-shared]}/" "${port[haproxy-closing]}/"; do
  node dist/test/proxies/requests.js "http://127.0.0.1:$front" 50
done
if command -v "${CHROMIUM:-chromium}" >/dev/null; then
  node dist/test/browser/swagger-ui.js "http://127.0.0.1:${port[nginx-streaming]}/vision"
fi
