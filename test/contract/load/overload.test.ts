// Far more requests than places: exactly as many requests are accepted as there are places. All others are refused at
// once with 503, none hangs, and afterwards the service works as before.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createKeepAliveConnection, encodeRequest } from '../../../bench/load/keep-alive-connection.js';
import type { App } from '../../../src/http/app.js';
import { HEARD_PER_TURN } from '../../../src/http/connections/pace-retries.js';
import { createDirector } from '../../support/engines/directed-engine.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, classify, classifyBatch, predict } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';

const PLACES = 8;
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);

async function saturableService(t: TestContext) {
  const director = createDirector(t);
  const config = { workers: 2, maxInFlight: PLACES, maxBatch: 4 };
  const service = await startTestService(t, { engineModule: director.engineModule, config });
  const inFlight = async (count: number) => (await service.samples()).sum('rdi_in_flight') === count;
  await director.hold();
  return { ...service, director, inFlight };
}

async function assertSaturated(response: Response): Promise<void> {
  assert.equal(response.headers.get('retry-after'), '1');
  const { detail } = await assertProblem(response, 'saturated');
  assert.match(detail, new RegExp(`\\b${PLACES} places\\b`));
}

test('with twenty times as many single requests as places, exactly the accepted ones get a prediction', async (t) => {
  const { url, director, inFlight, samples } = await saturableService(t);
  const excess = 19 * PLACES;
  let refused = 0;
  const answers = Array.from({ length: PLACES + excess }, async () => {
    const response = await classify(url, png, { profile: 'full' });
    if (response.status !== 200) refused++;
    return response;
  });
  // Refused requests do not wait for accepted ones.
  await until(() => refused === excess);
  assert.ok(await inFlight(PLACES));
  await director.release();
  const responses = await Promise.all(answers);
  assert.equal(responses.filter(({ status }) => status === 200).length, PLACES);
  for (const response of responses) {
    if (response.status === 200) await response.arrayBuffer();
    else await assertSaturated(response);
  }
  const scraped = await samples();
  assert.equal(scraped.sum('rdi_rejections_total', { reason: 'saturated' }), excess);
  assert.equal(scraped.sum('rdi_predictions_total'), PLACES);
  assert.equal(scraped.sum('rdi_in_flight'), 0);
  await Promise.all(Array.from({ length: PLACES }, () => predict(url, png)));
});

test('a batch is admitted as a whole or not at all', async (t) => {
  const { url, director, inFlight } = await saturableService(t);
  const batchOf = (count: number) => classifyBatch(url, new Array<Buffer>(count).fill(png));
  const first = batchOf(PLACES - 2);
  await until(() => inFlight(PLACES - 2));
  await assertSaturated(await batchOf(3));
  assert.ok(await inFlight(PLACES - 2), 'a refused batch takes no place');
  const second = batchOf(2);
  await until(() => inFlight(PLACES));
  await assertSaturated(await batchOf(1));
  await assertSaturated(await classify(url, png));
  await director.release();
  for (const [response, count] of [
    [await first, PLACES - 2],
    [await second, 2],
  ] as const) {
    const { results } = (await response.json()) as { results: { prediction?: object }[] };
    assert.equal(results.filter(({ prediction }) => prediction).length, count);
  }
  assert.ok(await inFlight(0));
  assert.equal((await batchOf(PLACES)).status, 200);
});

test('a request that is refused for another reason takes no place', async (t) => {
  const { url, director, inFlight } = await saturableService(t);
  await director.release();
  for (let request = 0; request < 3 * PLACES; request++) {
    await assertProblem(await classify(url, Buffer.from('no image')), 'undecodable-image');
    await assertProblem(await classify(url, png, { topK: 99 }), 'invalid-query');
  }
  const broken = await classifyBatch(url, new Array<Buffer>(PLACES).fill(Buffer.from('no image')));
  assert.equal(broken.status, 200);
  await broken.text();
  assert.ok(await inFlight(0));
  await Promise.all(Array.from({ length: PLACES }, () => predict(url, png)));
});

const CROWD = 200;

/** Many clients that retry as soon as they are answered, until an answer has `connection: close`. */
function startCrowd(url: string) {
  const target = new URL(`${url}/classify`);
  const request = encodeRequest(target, png);
  const answers = new Array<number>(CROWD).fill(0);
  const connections = answers.map(() => createKeepAliveConnection(target));
  const ended = connections.map(async (connection, client) => {
    for (let head = ''; !/^connection: close/im.test(head); ) {
      const answer = await connection.exchange(request);
      assert.equal(answer.status, 503);
      answers[client] = (answers[client] ?? 0) + 1;
      head = answer.head;
    }
  });
  return {
    ended: Promise.allSettled(ended),
    answers: (): readonly number[] => [...answers],
    leave: () => {
      for (const connection of connections) connection.close();
    },
  };
}

/** A service whose places are all taken, and many clients that have all been refused. */
async function besiegedService(t: TestContext) {
  const service = await saturableService(t);
  const accepted = Array.from({ length: PLACES }, () => predict(service.url, png));
  await until(() => service.inFlight(PLACES));
  const crowd = startCrowd(service.url);
  await until(() => Math.min(...crowd.answers()) > 0);
  return { ...service, accepted, crowd };
}

/** Measures from now on the largest number of requests that begin in one turn of the event loop. */
function watchTurns({ server }: App, t: TestContext): { most: number } {
  const turns = { most: 0 };
  let requests = 0;
  server.on('request', () => requests++);
  let next = setImmediate(function endTurn() {
    turns.most = Math.max(turns.most, requests);
    requests = 0;
    next = setImmediate(endTurn);
  });
  t.after(() => clearImmediate(next));
  return turns;
}

test('retries of refused clients are read a few per turn, in order; all of them when the server closes', async (t) => {
  const { app, director, accepted, crowd } = await besiegedService(t);
  const before = crowd.answers();
  const since = () => crowd.answers().map((answers, client) => answers - (before[client] ?? 0));
  const turns = watchTurns(app, t);
  await until(() => Math.min(...since()) >= 3);
  // Twice, because requests of connections resumed in one turn may arrive in the next.
  assert.ok(turns.most <= 2 * HEARD_PER_TURN, `${turns.most} requests in one turn`);
  assert.ok(Math.max(...since()) <= 5, `one was answered ${Math.max(...since())} times, another 3`);

  const closed = app.close();
  for (const { status } of await crowd.ended) assert.equal(status, 'fulfilled');
  assert.ok(turns.most > CROWD / 2, `${turns.most} requests in one turn`);
  await director.release();
  await Promise.all([...accepted, closed]);
});

test('a client that disconnects before its retry is read is forgotten', async (t) => {
  const { url, connections, director, accepted, crowd } = await besiegedService(t);
  crowd.leave();
  await crowd.ended;
  await until(async () => (await connections()) <= 2 * PLACES);
  await director.release();
  await Promise.all(accepted);
  await Promise.all(Array.from({ length: PLACES }, () => predict(url, png)));
});
