// The slow lane in a real service: whose images come last, which places they take, and what operators see of it.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createApiKey } from '../../../src/access/keys-file.js';
import type { Prediction } from '../../../src/serving/prediction.js';
import { createDirector } from '../../support/engines/directed-engine.js';
import { noise } from '../../support/images/images.js';
import { readExposition } from '../../support/service/exposition.js';
import { assertProblem, post } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** A ninth of the places are two. */
const PLACES = 18;
const easy = await readFile('docs/examples/digit-7.png');
const slow = await noise(28, 28, 1).png().toBuffer();

const scope = { after };
const director = createDirector(scope);
const [careful, greedy] = [createApiKey('careful'), createApiKey('greedy')];
const folder = temporaryFolder();
const models = join(folder, 'models');
cpSync('models/mnist-smallcnn', join(models, 'mnist-smallcnn'), { recursive: true });
const apiKeysFile = join(folder, 'keys');
await writeFile(
  apiKeysFile,
  `${careful.line}\n${greedy.line}\ncareful flops-per-second=1e14\ngreedy flops-per-second=1e14\n`,
);
const { url, log } = await startTestService(scope, {
  engineModule: director.engineModule,
  config: {
    models,
    apiKeysFile,
    maxInFlight: PLACES,
    operatorRoutes: true,
    slowdownAction: 'slow-lane',
    slowdownAlpha: 1e-3,
  },
});
const of = ({ key }: { readonly key: string }) => ({ authorization: `Bearer ${key}` });
const send = (image: Buffer, by: typeof careful) => post(`${url}/classify`, image, 'image/png', of(by));
const samples = async () =>
  readExposition(await (await fetch(`${url}/metrics`, { headers: of(careful) })).text());
const depths = async (): Promise<number[]> => {
  const { sum } = await samples();
  return [sum('rdi_queue_depth'), sum('rdi_slow_lane_depth')];
};
const slowdown = async () =>
  (await (await fetch(`${url}/slowdown`, { headers: of(careful) })).json()) as {
    readonly action: string;
    readonly clients: { readonly client: string; readonly alarm: boolean }[];
  };

async function predict(image: Buffer, by: typeof careful): Promise<Prediction> {
  const response = await send(image, by);
  assert.equal(response.status, 200);
  return (await response.json()) as Prediction;
}

test('after its alarm a client has the same answers, in the slow lane; operators see it', async () => {
  const before = await predict(slow, greedy);
  for (let sent = 0; (await slowdown()).clients.every(({ alarm }) => !alarm); sent++) {
    assert.ok(sent < 100, 'no alarm in 100 slow images');
    await predict(slow, greedy);
  }
  assert.equal((await samples()).sum('rdi_slowdown_slow_lane_total'), 0);
  const { timing: _, ...answer } = before;
  const { timing, ...afterwards } = await predict(slow, greedy);
  assert.deepEqual(afterwards, answer);
  assert.ok(timing.totalMs >= 0);
  assert.deepEqual(
    [answer.exit.reason, answer.certified, answer.capped],
    ['final', true, undefined],
    'nothing is limited',
  );
  await predict(easy, careful);
  const { sum } = await samples();
  assert.equal(sum('rdi_slowdown_slow_lane_total', { model: 'mnist-smallcnn' }), 1);
  assert.equal(
    sum('rdi_client_flops_total', { client: 'greedy' }) % answer.flops.executed,
    0,
    'it pays as before',
  );
  const { action, clients } = await slowdown();
  assert.equal(action, 'slow-lane');
  assert.deepEqual(clients[0]?.client, 'greedy');
  assert.ok(
    log.some(({ msg }) => /slowdown alarm.*it is served after the others from now on/.test(`${msg}`)),
  );
});

test('images of the lane come after those of others, whenever they arrived; each of them alone', async () => {
  await director.hold();
  const order: string[] = [];
  const sent: Promise<unknown>[] = [];
  const note = (name: string, image: Buffer, by: typeof careful) =>
    sent.push(predict(image, by).then(() => order.push(name)));
  const runsBefore = (await director.runs()).length;
  note('first', easy, careful);
  await until(async () => (await director.runs()).length > runsBefore);
  for (let index = 0; index < 2; index++) note('slow', slow, greedy);
  await until(async () => (await depths())[1] === 2);
  for (let index = 0; index < 4; index++) note('careful', easy, careful);
  await until(async () => (await depths())[0] === 6);
  const runs = await director.runs();
  await director.release();
  await Promise.all(sent);
  assert.deepEqual(order, ['first', ...Array(4).fill('careful'), 'slow', 'slow']);
  const batches = (await director.runs()).slice(runs.length).map(({ batch }) => batch);
  assert.ok(batches.includes(4), `${batches}`);
  assert.deepEqual(batches.slice(-2), [1, 1]);
  assert.deepEqual(await depths(), [0, 0]);
});

test('the lane takes few places, and others find theirs; a request larger than the lane is taken when it is empty', async () => {
  await director.hold();
  const sent = Array.from({ length: 4 }, () => send(slow, greedy));
  const refused = await Promise.any(
    sent.map(async (one) => ((await one).status === 503 ? one : Promise.reject(one))),
  );
  await assertProblem(refused, 'saturated');
  const others = Array.from({ length: 10 }, () => send(easy, careful));
  await until(async () => (await samples()).sum('rdi_in_flight') === 12);
  await director.release();
  assert.ok((await Promise.all(others)).every(({ status }) => status === 200));
  const statuses = (await Promise.all(sent)).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [200, 200, 503, 503]);

  const images = Array.from({ length: 6 }, () => slow.toString('base64'));
  const batch = await post(
    `${url}/classify/batch`,
    JSON.stringify({ images }),
    'application/json',
    of(greedy),
  );
  const { results } = (await batch.json()) as { results: { prediction?: Prediction }[] };
  assert.ok(results.length === 6 && results.every(({ prediction }) => prediction?.exit.reason === 'final'));
});

test('without keys the client is its address, and nobody else is behind it', async (t) => {
  const service = await startTestService(t, {
    config: {
      models,
      slowdownAction: 'slow-lane',
      slowdownAlpha: 1e-3,
    },
  });
  const slowLane = async () => (await service.samples()).sum('rdi_slowdown_slow_lane_total');
  for (let sent = 0; (await slowLane()) === 0; sent++) {
    assert.ok(sent < 100, 'no alarm in 100 slow images');
    assert.equal((await post(`${service.url}/classify`, slow, 'image/png')).status, 200);
  }
});
