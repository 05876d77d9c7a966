// Slowdown detection in a real service, with a shipped model: who raises an alarm, what follows, what operators see.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type Type from 'typebox';
import { createApiKey } from '../../src/access/keys-file.js';
import type { Config } from '../../src/config/settings.js';
import type { Slowdown as SlowdownSchema } from '../../src/http/routes/slowdown.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { noise } from '../support/images/images.js';
import type { Scope } from '../support/scope.js';
import { readExposition, type Samples } from '../support/service/exposition.js';
import { assertProblem, post } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

type Slowdown = Type.Static<typeof SlowdownSchema>;
type Headers = Readonly<Record<string, string>>;

const folder = temporaryFolder();
const models = join(folder, 'models');
cpSync('models/mnist-smallcnn', join(models, 'mnist-smallcnn'), { recursive: true });
const easy = await readFile('docs/examples/digit-7.png');
const slow = await noise(28, 28, 1).png().toBuffer();

const keys = ['careful', 'greedy', 'protocol', 'batch'].map((owner) => ({ owner, ...createApiKey(owner) }));
/** A second key of the same client. */
const spare = createApiKey('greedy');
const apiKeysFile = join(folder, 'keys');
await writeFile(apiKeysFile, [...keys, spare].map(({ line }) => `${line}\n`).join(''));
const bearer = (key = ''): Headers => ({ authorization: `Bearer ${key}` });
const [careful = {}, greedy = {}, protocol = {}, batch = {}] = keys.map(({ key }) => bearer(key));

async function start(scope: Scope, config: Partial<Config>) {
  const service = await startTestService(scope, {
    config: { models, operatorRoutes: true, slowdownAlpha: 1e-3, ...config },
  });
  const { url } = service;
  return {
    ...service,
    async predict(image: Buffer, headers: Headers = {}, query = ''): Promise<Prediction> {
      const response = await post(`${url}/classify${query}`, image, 'image/png', headers);
      assert.equal(response.status, 200, await response.clone().text());
      return (await response.json()) as Prediction;
    },
    async list(headers: Headers = {}): Promise<Slowdown> {
      return (await (await fetch(`${url}/slowdown`, { headers })).json()) as Slowdown;
    },
    async metrics(headers: Headers = {}): Promise<Samples> {
      return readExposition(await (await fetch(`${url}/metrics`, { headers })).text());
    },
    reset: (client: string, headers: Headers = {}) =>
      post(
        `${url}/slowdown/reset`,
        JSON.stringify({ client, reason: 'a test' }),
        'application/json',
        headers,
      ),
  };
}
type Service = Awaited<ReturnType<typeof start>>;

/** Sends slow images until the answers are capped. @returns how many it took */
async function sendUntilCapped({ predict }: Service, headers: Headers = {}): Promise<number> {
  for (let sent = 1; sent < 100; sent++) {
    if ((await predict(slow, headers)).capped) return sent;
  }
  throw new Error('No alarm in 100 slow images.');
}

const capping = await start({ after }, { slowdownAction: 'cap', apiKeysFile });

test('a client that sends images which go deep is limited, with any of its keys; another is served as before', async () => {
  const { predict, list, log } = capping;
  for (let sent = 0; sent < 20; sent++) await predict(easy, careful);
  const before = await predict(slow, greedy);
  assert.deepEqual([before.exit.reason, before.capped], ['final', undefined]);
  const sent = await sendUntilCapped(capping, greedy);
  assert.ok(sent < 20, `${sent}`);

  const after = await predict(slow, bearer(spare.key));
  assert.deepEqual([after.exit.reason, after.certified], ['budget', false]);
  const limit = after.capped?.maxFlops ?? 0;
  assert.ok(after.flops.executed <= limit && limit < before.flops.executed);
  assert.deepEqual(await predict(slow, careful).then(({ exit, capped }) => [exit.reason, capped]), [
    'final',
    undefined,
  ]);

  const { action, alarmed, clients } = await list(careful);
  assert.deepEqual([action, alarmed], ['cap', 1]);
  const [first, second] = clients;
  assert.deepEqual(
    [first?.client, first?.alarm, second?.client, second?.alarm],
    ['greedy', true, 'careful', false],
  );
  assert.ok((first?.evidence ?? 0) >= 1000 && (second?.evidence ?? 0) < 1000);
  assert.ok((first?.meanFlops ?? 0) > 3 * (first?.certifiedFlops ?? 0));
  assert.ok((second?.meanFlops ?? 0) < 2 * (second?.certifiedFlops ?? 0));
  assert.equal(second?.images, 21);
  const lines = log.filter(({ msg }) => /^slowdown alarm/.test(`${msg}`));
  assert.deepEqual(
    lines.map(({ client, images }) => [client, images]),
    [['greedy', first?.images]],
  );
  const { sum } = await capping.metrics(careful);
  assert.equal(sum('rdi_slowdown_alarms_total', {}), 1);
  assert.equal(sum('rdi_slowdown_alarmed_clients', {}), 1);
  assert.equal(sum('rdi_slowdown_clients', {}), 1);
  assert.ok(sum('rdi_slowdown_capped_total', { model: 'mnist-smallcnn' }) >= 2);
  assert.ok(sum('rdi_slowdown_evidence_max', {}) < 1000);
});

test('the limit holds for every profile, every interface and whatever the client asks for', async () => {
  const { predict, url } = capping;
  const { capped, flops } = await predict(slow, greedy);
  const maxFlops = capped?.maxFlops ?? 0;
  for (const query of [
    '?profile=full',
    '?profile=fast',
    '?explain=path',
    `?maxFlops=${10 * maxFlops}`,
    '?maxExit=2',
  ]) {
    const answer = await predict(slow, greedy, query);
    assert.ok(answer.flops.executed <= (answer.capped?.maxFlops ?? 0), query);
  }
  assert.equal((await predict(slow, greedy, `?maxFlops=${flops.executed}`)).capped?.maxFlops, maxFlops);
  const left = await predict(easy, greedy);
  assert.deepEqual([left.exit.reason, left.certified, left.capped], ['confident', true, { maxFlops }]);
  const refused = await post(`${url}/classify?explain=full`, slow, 'image/png', greedy);
  assert.match((await assertProblem(refused, 'invalid-query')).detail, /this server’s limit for the client/);
  assert.equal((await predict(slow, careful, '?explain=full')).explanation?.exits.length, 3);

  const images = JSON.stringify({ images: Array.from({ length: 4 }, () => slow.toString('base64')) });
  const several = await post(`${url}/classify/batch`, images, 'application/json', greedy);
  const { results } = (await several.json()) as { results: { prediction: Prediction }[] };
  assert.deepEqual(
    results.map(({ prediction }) => prediction.capped?.maxFlops),
    [maxFlops, maxFlops, maxFlops, maxFlops],
  );
});

test('images of a batch and of the inference protocol count as those of POST /classify do', async () => {
  const { url, list } = capping;
  const images = Array.from({ length: 30 }, () => slow.toString('base64'));
  await post(`${url}/classify/batch`, JSON.stringify({ images }), 'application/json', batch);
  const inference = JSON.stringify({
    inputs: [{ name: 'image', datatype: 'BYTES', shape: [30], data: images }],
  });
  const infer = () => post(`${url}/v2/models/mnist-smallcnn/infer`, inference, 'application/json', protocol);
  const response = await infer();
  assert.equal(response.status, 200, await response.text());
  const { clients } = await list(careful);
  const alarmed = clients.filter(({ alarm }) => alarm).map(({ client }) => client);
  assert.deepEqual(alarmed.sort(), ['batch', 'greedy', 'protocol']);
  const flops = (
    (await (await infer()).json()) as { outputs: { name: string; data: number[] }[] }
  ).outputs.find(({ name }) => name === 'flops');
  const { capped } = await capping.predict(slow, protocol);
  assert.ok(Math.max(...(flops?.data ?? [])) <= (capped?.maxFlops ?? 0));
});

test('an operator resets a client, which begins anew; unknown clients and bad requests are refused', async () => {
  const { reset, predict, log, url } = capping;
  assert.equal((await reset('greedy', careful)).status, 200);
  assert.equal((await predict(slow, greedy)).capped, undefined);
  assert.ok(log.some(({ msg, reason }) => /reset by an operator/.test(`${msg}`) && reason === 'a test'));
  await assertProblem(await reset('nobody', careful), 'not-found');
  await assertProblem(await reset('x'.repeat(65), careful), 'invalid-body');
  await assertProblem(await reset('greedy'), 'unauthorized');
  await assertProblem(await fetch(`${url}/slowdown`), 'unauthorized');
  await sendUntilCapped(capping, greedy);
});

test('a client with an alarm keeps it when its key is replaced while the server runs', async () => {
  const fresh = createApiKey('greedy');
  const others = keys.filter(({ owner }) => owner !== 'greedy');
  await writeFile(apiKeysFile, [...others, fresh].map(({ line }) => `${line}\n`).join(''));
  await capping.apiKeys?.reload();
  await assertProblem(await post(`${capping.url}/classify`, slow, 'image/png', greedy), 'unauthorized');
  assert.ok((await capping.predict(slow, bearer(fresh.key))).capped);
});

test('report: the alarm changes no answer; without keys the client is its address', async (t) => {
  const service = await start(t, { slowdownAction: 'report', slowdownClients: 1 });
  let sent = 0;
  while ((await service.list()).alarmed === 0 && sent++ < 100) await service.predict(slow);
  assert.equal((await service.list()).clients[0]?.client, '127.0.0.1');
  const { exit, capped } = await service.predict(slow);
  assert.deepEqual([exit.reason, capped], ['final', undefined]);
});

test('traffic that the certificate says nothing about is not tested: full, and what explain=full adds', async (t) => {
  const service = await start(t, { slowdownAction: 'report' });
  for (let sent = 0; sent < 20; sent++) await service.predict(slow, {}, '?profile=full');
  assert.deepEqual((await service.list()).clients, []);
  for (let sent = 0; sent < 20; sent++) await service.predict(easy, {}, '?explain=full');
  const [client] = (await service.list()).clients;
  assert.ok(client && client.evidence < 1 && client.meanFlops < client.certifiedFlops);
});

test('off, the default: nothing is tested; and operators need --operator-routes', async (t) => {
  const service = await start(t, { operatorRoutes: false });
  for (let sent = 0; sent < 20; sent++) assert.equal((await service.predict(slow)).capped, undefined);
  const { sum } = await service.metrics();
  assert.equal(sum('rdi_slowdown_clients') + sum('rdi_slowdown_alarms_total'), 0);
  await assertProblem(await fetch(`${service.url}/slowdown`), 'forbidden');
  await assertProblem(await service.reset('127.0.0.1'), 'forbidden');
});
