// GET /metrics: the counts equal the answers exactly, in both formats.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Prediction } from '../../../src/serving/prediction.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { readExposition } from '../../support/service/exposition.js';
import { classify, classifyBatch, post, predict } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';

const { url, samples, config } = await startTestService({ after }, { config: { workers: 2 } });
const files = (await testImages(60)).map(({ png }) => png);
const queries = [{}, { profile: 'softmax' }, { profile: 'full' }, { maxExit: 1 }, { profile: 'second-only' }];

test('metrics are compressed on request', async () => {
  for (const [accepted, expected] of [
    ['gzip', 'gzip'],
    ['deflate, gzip;q=0.5', 'gzip'],
    ['*', 'gzip'],
    ['gzip;q=0', null],
    ['gzip;q=0.0, identity', null],
    ['br', null],
    ['identity', null],
  ] as const) {
    const response = await fetch(`${url}/metrics`, { headers: { 'accept-encoding': accepted } });
    assert.equal(response.headers.get('content-encoding'), expected, accepted);
    assert.match(response.headers.get('vary') ?? '', /accept-encoding/);
    assert.match(await response.text(), /^rdi_in_flight 0$/m);
  }
});

test('every answer is counted once, by exit and reason, with the FLOPs of the answer', async () => {
  const before = await samples();
  const answers: Prediction[] = [];
  for (const query of queries) {
    answers.push(...(await Promise.all(files.map((png) => predict(url, png, query)))));
    const batch = (await (await classifyBatch(url, files, query)).json()) as {
      results: { prediction: Prediction }[];
    };
    answers.push(...batch.results.map(({ prediction }) => prediction));
  }
  assert.equal(answers.length, 2 * files.length * queries.length);
  await classify(url, Buffer.from('no image'));

  const now = await samples();
  const grown = (name: string, labels = {}) => now.sum(name, labels) - before.sum(name, labels);
  const series = new Set<string>();
  for (const { profile, exit } of answers) {
    const labels = { model: 'tiny', version: 1, profile, exit: exit.index, reason: exit.reason };
    series.add(JSON.stringify(labels));
    const same = answers.filter(
      (one) => one.profile === profile && one.exit.index === exit.index && one.exit.reason === exit.reason,
    );
    assert.equal(grown('rdi_predictions_total', labels), same.length);
  }
  assert.ok(series.size >= 9, 'exits, reasons and profiles of many kinds');
  const total = (value: (answer: Prediction) => number) =>
    answers.reduce((sum, answer) => sum + value(answer), 0);
  assert.equal(grown('rdi_predictions_total'), answers.length);
  assert.equal(
    grown('rdi_flops_total', { model: 'tiny' }),
    total(({ flops }) => flops.executed),
  );
  assert.equal(
    grown('rdi_request_flops_sum'),
    total(({ flops }) => flops.executed),
  );
  assert.equal(
    grown('rdi_flops_full_total'),
    total(({ flops }) => flops.full),
  );
  for (const name of ['rdi_request_flops', 'rdi_decode_duration_seconds', 'rdi_queue_wait_seconds']) {
    assert.equal(grown(`${name}_count`), answers.length, name);
  }
  for (const name of ['rdi_request_duration_seconds', 'rdi_exit_score', 'rdi_confidence']) {
    assert.equal(grown(`${name}_count`), answers.length, name);
  }
  for (const exit of [0, 1, 2]) {
    const there = answers.filter((answer) => answer.exit.index === exit);
    assert.equal(grown('rdi_confidence_count', { exit }), there.length);
    const confidence = there.reduce((sum, answer) => sum + answer.confidence, 0);
    assert.ok(Math.abs(grown('rdi_confidence_sum', { exit }) - confidence) < 1e-6 * there.length);
  }
  assert.equal(grown('rdi_rejections_total', { reason: 'undecodable-image' }), 1);
});

test('failures of the server are counted from 0, so that an alert sees the first one', async () => {
  const started = await startTestService({ after });
  const counted = (await started.samples()).all.filter(({ name }) => name === 'rdi_rejections_total');
  assert.ok(counted.every(({ value }) => value === 0));
  assert.ok(counted.some(({ labels }) => labels['reason'] === 'internal-error'));
});

test('the histogram of FLOPs has bounds around the cost of each exit under every profile', async () => {
  const { exits, profiles } = (await (await fetch(`${url}/models/tiny`)).json()) as {
    exits: { flops: { stage: number; head: number } }[];
    profiles: { exits: { index: number; flops: number }[] }[];
  };
  const bounds = (await samples()).all
    .filter(({ name }) => name === 'rdi_request_flops_bucket')
    .map(({ labels }) => Number(labels['le']));
  const costs = profiles.flatMap((profile) => profile.exits);
  assert.ok(costs.length > 0);
  for (const { index, flops } of costs) {
    const way = exits.slice(0, index + 1);
    const stages = way.reduce((sum, one) => sum + one.flops.stage, 0);
    const least = stages + (way.at(-1)?.flops.head ?? 0);
    const most = way.reduce((sum, one) => sum + one.flops.head, stages);
    assert.ok(bounds.includes(least) && bounds.includes(most));
    assert.ok(least <= flops && flops <= most);
  }
});

test('every HTTP answer is timed under its route, method and status; nothing stays in flight', async () => {
  const before = await samples();
  await classify(url, files[0] as Buffer);
  await classify(url, files[0] as Buffer, { topK: 0 });
  await fetch(`${url}/models/tiny`);
  await fetch(`${url}/models/other`);
  await fetch(`${url}/not/here/${Math.random()}`);
  await post(`${url}/livez`, 'x', 'text/plain');
  const expected = [
    ['/classify', 'POST', 200],
    ['/classify', 'POST', 400],
    ['/models/:name', 'GET', 200],
    ['/models/:name', 'GET', 404],
    ['unmatched', 'GET', 404],
    ['/livez', 'POST', 405],
  ] as const;
  // An answer is timed when its last byte has been sent; the client may receive it before that.
  await until(async () => {
    const now = await samples();
    return expected.every(([route, method, status]) => {
      const labels = { route, method, status };
      const name = 'http_request_duration_seconds_count';
      return now.sum(name, labels) - before.sum(name, labels) === 1;
    });
  });
  const now = await samples();
  assert.equal(now.sum('rdi_in_flight'), 0);
  assert.equal(now.sum('rdi_queue_depth'), 0);
  assert.equal(now.sum('rdi_in_flight_limit'), config.maxInFlight);
  assert.equal(now.sum('rdi_workers'), 2);
  const routes = new Set(
    now.all.filter(({ name }) => name.startsWith('http_')).map(({ labels }) => labels['route']),
  );
  assert.deepEqual(
    [...routes].sort(),
    ['/classify', '/classify/batch', '/livez', '/metrics', '/models/:name', 'unmatched'],
    'no free text becomes a label',
  );
});

test('both formats have the same values, in any order of requests and also concurrently', async () => {
  const accept = { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' };
  const fetched = await Promise.all(
    [{}, accept, {}, accept].map(async (headers) => {
      const response = await fetch(`${url}/metrics`, { headers });
      return { type: response.headers.get('content-type'), text: await response.text() };
    }),
  );
  for (const [index, { type, text }] of fetched.entries()) {
    const open = index % 2 === 1;
    assert.match(
      type ?? '',
      open ? /^application\/openmetrics-text; version=1\.0\.0/ : /^text\/plain; version=0\.0\.4/,
    );
    assert.equal(text.endsWith('\n# EOF\n'), open);
    assert.equal(/^# TYPE rdi_predictions_total counter$/m.test(text), !open);
    assert.equal(/^# TYPE rdi_predictions counter$/m.test(text), open);
    if (open) assert.doesNotMatch(text, /\n\n/);
    const { sum } = readExposition(text);
    assert.equal(sum('rdi_predictions_total'), (await samples()).sum('rdi_predictions_total'));
    assert.ok(sum('rdi_predictions_total') > 0);
  }
});
