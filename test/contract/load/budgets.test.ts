// Budgets of clients in a real service: what is charged over every way in, who is refused and what the answer says, and
// settings that change while it runs.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createKeepAliveConnection, encodeRequest } from '../../../bench/load/keep-alive-connection.js';
import { createApiKey } from '../../../src/access/keys-file.js';
import { APART_SECONDS, LONGEST_WAIT_SECONDS } from '../../../src/access/refusal-pace.js';
import type { Prediction } from '../../../src/serving/prediction.js';
import { createDirector } from '../../support/engines/directed-engine.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { readExposition } from '../../support/service/exposition.js';
import { assertProblem, assertProblemBody, post } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const images = (await testImages(6)).map(({ png }) => png);
const [image = Buffer.alloc(0)] = images;
const [limited, other, late] = ['limited', 'other', 'late'].map(createApiKey);
const keyLines = [limited?.line, other?.line].join('\n');
const of = (made = limited) => ({ authorization: `Bearer ${made?.key}` });
/** So slow that nothing is refilled while a test runs. */
const SLOW = 'limited flops-per-second=1';

const ways = {
  'short path': (url: string, headers = of()) => post(`${url}/classify`, image, 'image/png', headers),
  Fastify: (url: string, headers = of()) => post(`${url}/classify`, image, 'image/png; by=fastify', headers),
  batch: (url: string, headers = of()) => postBatch(url, [image], headers),
  'inference protocol': (url: string, headers = of()) => infer(url, [image], headers),
};

function postBatch(url: string, batch: readonly Buffer[], headers = of()): Promise<Response> {
  const body = JSON.stringify({ images: batch.map((one) => one.toString('base64')) });
  return post(`${url}/classify/batch`, body, 'application/json', headers);
}

function infer(url: string, batch: readonly Buffer[], headers = of()): Promise<Response> {
  const input = {
    name: 'image',
    datatype: 'BYTES',
    shape: [batch.length],
    data: batch.map((one) => one.toString('base64')),
  };
  return post(
    `${url}/v2/models/tiny/infer`,
    JSON.stringify({ inputs: [input] }),
    'application/json',
    headers,
  );
}

async function start(t: TestContext, settings: string, engineModule?: string) {
  const apiKeysFile = join(temporaryFolder(), 'keys');
  const write = (lines: string) => writeFile(apiKeysFile, `${lines}\n`);
  await write(`${settings}\n${keyLines}`);
  const service = await startTestService(t, {
    config: { apiKeysFile },
    ...(engineModule && { engineModule }),
  });
  const { url } = service;
  const samples = async () =>
    readExposition(await (await fetch(`${url}/metrics`, { headers: of(other) })).text());
  const flops = async (client = 'limited') => (await samples()).sum('rdi_client_flops_total', { client });
  return { ...service, samples, flops, write };
}

async function executed(response: Response): Promise<number> {
  assert.equal(response.status, 200);
  return ((await response.json()) as Prediction).flops.executed;
}

test('a client that has used up its budget is refused on every way in, and others are not', async (t) => {
  const made = Object.entries(ways).map(([name, send], index) => ({
    name,
    send,
    client: `limited-${index}`,
  }));
  const keys = new Map(made.map(({ client }) => [client, createApiKey(client)]));
  const lines = [...keys].flatMap(([client, { line }]) => [
    line,
    `${client} flops-per-second=1 burst-flops=2`,
  ]);
  const { url, samples, flops, log } = await start(t, lines.join('\n'));
  for (const [index, { name, send, client }] of made.entries()) {
    const headers = of(keys.get(client));
    const before = await send(url, headers);
    assert.equal(before.status, 200, name);
    const spent = await flops(client);
    assert.ok(spent > 1000);
    assert.equal(before.headers.get('ratelimit-policy'), '"flops";q=2;qu="flops";w=2');
    const wait = Number(/^"flops";r=0;t=(\d+)$/.exec(before.headers.get('ratelimit') ?? '')?.[1]);
    assert.ok(wait > spent - 60 && wait <= spent, `${name}: ${wait} s for ${spent} FLOPs`);

    const refused = await send(url, headers);
    assert.equal(refused.status, 429, name);
    assert.equal(refused.headers.get('ratelimit-policy'), '"flops";q=2;qu="flops";w=2');
    const retryAfter = Number(refused.headers.get('retry-after'));
    assert.match(refused.headers.get('ratelimit') ?? '', /^"flops";r=0;t=\d+$/);
    assert.ok(retryAfter > 1000 && retryAfter <= wait);
    assertProblemBody((await refused.json()) as never, 'budget-exceeded');

    assert.equal((await fetch(`${url}/models`, { headers })).status, 200);
    const free = await send(url, of(other));
    assert.deepEqual([free.status, free.headers.get('ratelimit')], [200, null]);
    const { sum, all } = await samples();
    assert.equal(sum('rdi_client_refusals_total', { client }), 1);
    assert.equal(sum('rdi_client_refusals_total', { client: 'other' }), 0);
    assert.equal(sum('rdi_rejections_total', { reason: 'budget-exceeded' }), index + 1);
    assert.equal(sum('rdi_client_flops_total', { client }), spent);
    assert.equal(sum('rdi_client_budget_flops_per_second', { client }), 1);
    assert.ok(sum('rdi_client_budget_balance_flops', { client }) < -1000);
    const budgets = all.filter((sample) => sample.name === 'rdi_client_budget_balance_flops');
    assert.equal(budgets.length, made.length, 'a client without a budget has no balance');
    const warnings = log.filter(({ msg }) => msg === 'client refused: it has used up its budget');
    assert.deepEqual(
      warnings.map((line) => line['client']),
      made.slice(0, index + 1).map((one) => one.client),
    );
  }
  const refused = await post(
    `${url}/classify/batch`,
    'no JSON',
    'application/json',
    of(keys.get('limited-0')),
  );
  await assertProblem(refused, 'budget-exceeded'); // before the body is read
});

test('a refusal is the same on the short path, on which most are, and by Fastify', async (t) => {
  const { url } = await start(t, `${SLOW} burst-flops=1`);
  assert.equal((await ways['short path'](url)).status, 200);
  const headers = { ...of(), 'x-request-id': 'given' };
  const [short, long] = await Promise.all(
    (['short path', 'Fastify'] as const).map(async (way) => {
      const response = await ways[way](url, headers);
      const { date, ...rest } = Object.fromEntries(response.headers);
      // Fractions of a second pass between the two.
      const text = JSON.stringify([rest, await response.json()]).replace(/\d{3,}(\.\d+)?/g, 'N');
      return { status: response.status, text };
    }),
  );
  assert.deepEqual(short, long);
  assert.equal(short?.status, 429);
  const connection = createKeepAliveConnection(new URL(url));
  t.after(connection.close);
  // Longer than what is read of it before the refusal.
  const request = encodeRequest(new URL(`${url}/classify`), Buffer.alloc(4e6), { headers: of() });
  for (let sent = 0; sent < 3; sent++) {
    const { status, head } = await connection.exchange(request);
    assert.deepEqual([status, /^connection: keep-alive/im.test(head)], [429, true]);
  }
});

test('refusals of a client that asks again at once leave one after the other; all are sent before the server ends', async (t) => {
  const { url, app, samples, log } = await start(t, `${SLOW} burst-flops=1`);
  assert.equal((await ways['short path'](url)).status, 200);
  const started = performance.now();
  const left: number[] = [];
  const crowd = Array.from({ length: 8 }, async (_, index) => {
    const way = index % 2 === 0 ? ways['short path'] : ways.Fastify;
    const response = await way(url);
    left.push(performance.now() - started);
    await assertProblem(response, 'budget-exceeded');
  });
  await until(() => left.length > 0);
  assert.equal((await ways['short path'](url, of(other))).status, 200);
  await Promise.all(crowd);
  for (const [index, at] of left.entries()) {
    // Timers may be early by a millisecond.
    const least = 1000 * Math.min(index * APART_SECONDS, LONGEST_WAIT_SECONDS / 2);
    assert.ok(at >= least - 5, `refusal ${index} left after ${at} ms`);
  }
  const { sum } = await samples();
  assert.equal(sum('rdi_client_refusals_total', { client: 'limited' }), crowd.length);
  assert.equal(sum('rdi_rejections_total', { reason: 'budget-exceeded' }), crowd.length);
  const lines = () => log.filter(({ msg, status }) => msg === 'request' && status === 429);
  await until(() => lines().length === crowd.length);
  assert.ok(lines().every(({ client, route }) => client === 'limited' && route === '/classify'));

  const late = Array.from({ length: 8 }, () => ways['short path'](url));
  const first = await Promise.any(late);
  assert.equal(first.status, 429);
  await app.close();
  assert.deepEqual(
    (await Promise.all(late)).map(({ status }) => status),
    late.map(() => 429),
  );
});

test('every image is charged what it has cost, one by one, in batches, and also if others of its request fail', async (t) => {
  const { url, flops } = await start(t, 'limited flops-per-second=1e14');
  let sum = 0;
  for (const png of images) {
    const response = await post(`${url}/classify?explain=full`, png, 'image/png', of());
    sum += await executed(response);
    const left = Number(/^"flops";r=(\d+)$/.exec(response.headers.get('ratelimit') ?? '')?.[1]);
    assert.ok(left > 9e13);
  }
  assert.equal(await flops(), sum);

  const broken = Buffer.from('no image');
  const answer = await postBatch(url, [...images, broken]);
  const { results } = (await answer.json()) as { results: { prediction?: Prediction }[] };
  for (const { prediction } of results) sum += prediction?.flops.executed ?? 0;
  assert.equal(await flops(), sum);

  assert.equal((await infer(url, images)).status, 200);
  for (const { prediction } of results) sum += prediction?.flops.executed ?? 0;
  assert.equal(await flops(), sum);
  assert.equal((await infer(url, [broken])).status, 422);
  assert.equal(await flops(), sum);
});

test('an image of a client that disconnects is charged what was executed; nothing if no worker took it', async (t) => {
  const director = createDirector(t);
  const { url, flops, samples } = await start(t, 'limited flops-per-second=1e14', director.engineModule);
  const models = await (await fetch(`${url}/models/tiny`, { headers: of() })).json();
  const { exits } = models as { exits: { flops: { stage: number; head: number } }[] };
  const warmUp = (await director.runs()).length;
  await director.hold();
  const leaving = Array.from({ length: 2 }, () => new AbortController());
  const sent = [];
  for (const [index, { signal }] of leaving.entries()) {
    const headers = { ...of(), 'content-type': 'image/png' };
    const query = '?profile=default';
    sent.push(fetch(`${url}/classify${query}`, { method: 'POST', headers, body: image, signal }));
    // The first one is in the engine, the second one waits.
    await until(async () => (await director.runs()).length === warmUp + 1);
    await until(async () => (await samples()).sum('rdi_queue_depth') === index);
  }
  for (const one of leaving) one.abort();
  await Promise.allSettled(sent);
  await until(async () => (await samples()).sum('rdi_in_flight') === 0);
  assert.equal(await flops(), 0, 'the first one is still in the engine');
  await director.release();
  const first = (exits[0]?.flops.stage ?? 0) + (exits[0]?.flops.head ?? 0);
  await until(async () => (await flops()) > 0);
  assert.equal(await flops(), first);
  const { executed: whole } = (
    (await (await post(`${url}/classify`, image, 'image/png', of())).json()) as Prediction
  ).flops;
  assert.ok(whole > first, 'this image does not leave at the first exit');
  assert.equal(await flops(), first + whole, 'the second one has cost nothing');
});

test('keys and settings change while it runs; a balance stays, and a file that is not valid changes nothing', async (t) => {
  const { url, write, apiKeys, flops, samples, log } = await start(t, `${SLOW} burst-flops=1`);
  const status = async (made = limited) => (await ways['short path'](url, of(made))).status;
  assert.deepEqual([await status(), await status(), await status(late)], [200, 429, 401]);

  await write(`${keyLines}\n${late?.line}\nlimited flops-per-second=2 weight=3`);
  await apiKeys?.reload();
  const refused = await ways['short path'](url);
  assert.deepEqual([refused.status, await status(late)], [429, 200]);
  assert.equal(refused.headers.get('ratelimit-policy'), '"flops";q=2;qu="flops";w=1');
  assert.ok(Number(refused.headers.get('retry-after')) < (await flops()));

  for (const wrong of ['', `${keyLines}\nlimited weight=none`]) {
    await write(wrong);
    await apiKeys?.reload();
    assert.equal(await status(late), 200);
    assert.equal((await samples()).sum('rdi_api_keys_refused'), 1);
  }
  const reasons = log.filter(({ msg }) => msg === 'API keys refused: the earlier ones stay');
  assert.equal(reasons.length, 2);
  assert.match(`${reasons[1]?.['reason']}`, /line 3: weight must be a number/);

  await write(keyLines);
  await apiKeys?.reload();
  assert.deepEqual([await status(), await status(late)], [200, 401]);
  const { sum, all } = await samples();
  assert.equal(sum('rdi_api_keys_refused'), 0);
  assert.ok(!all.some(({ labels }) => labels['client'] === 'late'), 'its series are gone');
  assert.ok(!all.some(({ name }) => name === 'rdi_client_budget_balance_flops'));
});

test('a change of the file is found without a signal', async (t) => {
  const apiKeysFile = join(temporaryFolder(), 'keys');
  await writeFile(apiKeysFile, `${keyLines}\n`);
  const { url } = await startTestService(t, { config: { apiKeysFile, reloadSeconds: 0.02 } });
  const status = async () => (await fetch(`${url}/models`, { headers: of(late) })).status;
  assert.equal(await status(), 401);
  await writeFile(apiKeysFile, `${keyLines}\n${late?.line}\n`);
  await until(async () => (await status()) === 200);
});

test('one client does not take all places: others are admitted while it waits', async (t) => {
  const director = createDirector(t);
  const apiKeysFile = join(temporaryFolder(), 'keys');
  await writeFile(apiKeysFile, `${keyLines}\n`);
  const { url } = await startTestService(t, {
    config: { apiKeysFile, maxInFlight: 18 },
    engineModule: director.engineModule,
  });
  await director.hold();
  const crowd = Array.from({ length: 18 }, () => ways['short path'](url));
  const refused = await Promise.any(
    crowd.map(async (one) => ((await one).status === 503 ? one : Promise.reject(one))),
  );
  await assertProblem(refused, 'saturated');
  const modest = ways['short path'](url, of(other));
  await director.release();
  assert.equal((await modest).status, 200);
  const statuses = (await Promise.all(crowd)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 16);
});
