#!/usr/bin/env bash
# Package: prom-client 15.1.3 (npm), its default metrics.
#
# Expected: nodejs_eventloop_lag_p50_seconds of an idle process is about 0. `eventLoopMonitoringPrecision` says how
#   finely the lag is measured.
# Behaviour: The interval of the measuring timer is part of the value. An idle process reports a median of 10 ms. With
#   a precision of 100 ms the same idle process reports 100 ms, as if it had become ten times slower. This holds for
#   the mean and the other quantiles as well.
#
# Output seen, for a process that does nothing for two seconds:
#   eventLoopMonitoringPrecision             10 (the default)     100
#   nodejs_eventloop_lag_p50_seconds         0.0101               0.1002
#   nodejs_eventloop_lag_mean_seconds        0.0109               0.1001
#
# Meaning: An alert on a median lag of 10 ms is on for ever, and a dashboard that compares two services compares their
#   settings. Subtract the precision before you compare with a limit.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund prom-client@15.1.3

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import client from 'prom-client';
for (const precision of [10, 100]) {
  const register = new client.Registry();
  client.collectDefaultMetrics({ register, eventLoopMonitoringPrecision: precision });
  await setTimeout(2000);
  const text = await register.metrics();
  const value = (name) => Number(text.match(new RegExp(`^nodejs_eventloop_lag_${name} (.*)$`, 'm'))[1]);
  const [p50, mean] = [value('p50_seconds'), value('mean_seconds')];
  const seen = `precision ${precision} ms: p50 ${p50.toFixed(4)} s, mean ${mean.toFixed(4)} s`;
  // No upper limit: a busy machine may add to it. The timer's resolution of 1 ms is what may be missing.
  for (const lag of [p50, mean]) assert(lag * 1000 >= precision - 1.5, `The behaviour has changed: ${seen}`);
  console.log(`As stated: ${seen}`);
}
JS
node check.mjs
