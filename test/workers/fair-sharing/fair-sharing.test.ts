// Fair sharing between clients, with the real dispatcher in virtual time. Random schedules, each from a seed: the workers
// stay busy, nobody starves, and what waiting clients get is in proportion to their weights.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handDispatcher } from '../hand-dispatcher.js';
import { type Chance, createChance } from '../simulation/chance.js';
import {
  createWorld,
  MOST_FLOPS,
  network,
  paths,
  SECONDS_PER_FLOP,
  STEP_FLOPS,
  type TestClient,
} from './world.js';

const SCHEDULES = 30;
const SECONDS = 4;
function drawClients(chance: Chance, connections: () => number): TestClient[] {
  return Array.from({ length: chance.whole(2, 5) }, () => ({
    weight: chance.oneOf([0.5, 1, 1, 2, 5]),
    expectedFlops: chance.oneOf([STEP_FLOPS, 9, MOST_FLOPS]),
    connections: connections(),
    path: chance.oneOf(paths),
    executed: 0,
    inProgress: 0,
    longestWait: 0,
    answeredAt: [],
  }));
}

test(`${SCHEDULES} schedules: greedy clients share by weight, whatever they send, expect or share batches with`, async () => {
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const chance = createChance(seed);
    const [workers, maxBatch] = [chance.whole(1, 3), chance.whole(1, 8)];
    // Enough that each of them always waits: more than all workers hold.
    const clients = drawClients(chance, () => workers * maxBatch * chance.whole(2, 10));
    const world = createWorld(chance, workers, maxBatch);
    for (const client of clients) {
      for (let one = 0; one < client.connections; one++) void world.beGreedy(client, SECONDS);
    }
    let shares: number[] = [];
    let busy = 0;
    world.time.after(SECONDS, () => {
      shares = clients.map(({ executed, weight }) => executed / weight);
      busy = (world.total() * SECONDS_PER_FLOP) / (workers * SECONDS);
    });
    await world.time.runOut();
    // One batch that a client fills alone, on each worker, and what is in progress and not yet known.
    const bound = (3 * workers * maxBatch * MOST_FLOPS) / Math.min(...clients.map(({ weight }) => weight));
    const spread = Math.max(...shares) - Math.min(...shares);
    assert.ok(spread <= bound, `schedule ${seed}: ${shares} differ by more than ${bound}`);
    // A tenth for the hold after a batch, and what is in progress at the end.
    assert.ok(busy > 0.85, `schedule ${seed}: the workers are busy for ${busy} of their time`);
    assert.ok(
      clients.every(({ inProgress }) => inProgress === 0),
      'everything is answered',
    );
  }
});

test(`${SCHEDULES} schedules: beside greedy clients, one that wants less than its share waits for a few batches`, async () => {
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const chance = createChance(seed);
    const [workers, maxBatch] = [chance.whole(1, 3), chance.whole(1, 8)];
    const clients = drawClients(chance, () => 30 * maxBatch);
    const [modest, ...greedy] = clients as [TestClient, ...TestClient[]];
    modest.weight = 1;
    const world = createWorld(chance, workers, maxBatch);
    for (const client of greedy) {
      for (let one = 0; one < client.connections; one++) void world.beGreedy(client, SECONDS);
    }
    const allWeights = clients.reduce((sum, { weight }) => sum + weight, 0);
    const rate = (0.5 * workers) / allWeights / (MOST_FLOPS * SECONDS_PER_FLOP);
    const sent: Promise<void>[] = [];
    for (let at = chance.between(0, 1 / rate); at < SECONDS; at += chance.between(0.5, 1.5) / rate) {
      world.time.after(at, () => sent.push(world.send(modest)));
    }
    await world.time.runOut();
    await Promise.all(sent);
    // The batches that run already, and one of each flow that may be behind it in virtual time.
    const bound = 4 * (workers + clients.length) * maxBatch * MOST_FLOPS;
    assert.ok(
      modest.longestWait <= bound,
      `schedule ${seed}: ${modest.longestWait} FLOPs, more than ${bound}`,
    );
  }
});

test('a client that was away gets no more than its share afterwards', async () => {
  const chance = createChance(1);
  const make = (): TestClient => ({
    weight: 1,
    expectedFlops: MOST_FLOPS,
    connections: 20,
    path: paths[0],
    executed: 0,
    inProgress: 0,
    longestWait: 0,
    answeredAt: [],
  });
  const [there, away] = [make(), make()];
  const world = createWorld(chance, 1, 4);
  for (let one = 0; one < there.connections; one++) void world.beGreedy(there, 2 * SECONDS);
  const before: number[] = [];
  world.time.after(SECONDS, () => {
    before.push(there.executed);
    for (let one = 0; one < away.connections; one++) void world.beGreedy(away, 2 * SECONDS);
  });
  world.time.after(2 * SECONDS, () => before.push(there.executed, away.executed));
  await world.time.runOut();
  const [start = 0, end = 0, got = 0] = before;
  assert.ok(start > 0 && Math.abs(end - start - got) <= 3 * 4 * MOST_FLOPS, `${end - start} against ${got}`);
});

test('with one client, or none, the oldest request goes first, as without sharing', async () => {
  for (const client of [undefined, { weight: 3 }]) {
    const order: number[] = [];
    const pool = { idle: 0 };
    const { dispatcher, dispatch } = handDispatcher({
      maxBatch: 4,
      eager: false,
      workers: {
        idle: () => pool.idle,
        accepting: () => pool.idle,
        hasWorkers: () => true,
        run({ command }) {
          pool.idle--;
          order.push(...command.images);
          return () => {};
        },
      },
    });
    for (let id = 0; id < 10; id++) {
      const path = id % 3 === 0 ? paths[1] : paths[0];
      const account = client && { flow: client, expectedFlops: id, settle() {} };
      void dispatcher.submit({
        network,
        policy: 'entropy',
        path,
        image: Uint8Array.of(id),
        topK: 1,
        deadline: Number.POSITIVE_INFINITY,
        signal: undefined,
        account,
      });
    }
    for (let turn = 0; turn < 4; turn++) {
      pool.idle = 1;
      dispatch();
    }
    assert.deepEqual(order, [0, 3, 6, 9, 1, 2, 4, 5, 7, 8]);
  }
});
