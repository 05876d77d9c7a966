// The slow lane, with the real dispatcher in virtual time: others are served as if it were not there, and it still moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLOW_LANE_SECONDS } from '../../../src/workers/fair-sharing/slow-lane.js';
import { createChance } from '../simulation/chance.js';
import { createWorld, MOST_FLOPS, paths, SECONDS_PER_FLOP, type TestClient } from './world.js';

const SECONDS = 20;
const IMAGE_SECONDS = MOST_FLOPS * SECONDS_PER_FLOP;

function client(connections: number, isSlow: boolean): TestClient {
  const none = { executed: 0, inProgress: 0, longestWait: 0 };
  return {
    weight: 1,
    expectedFlops: MOST_FLOPS,
    connections,
    path: paths[0],
    isSlow,
    ...none,
    answeredAt: [],
  };
}

/** Greedy clients for the whole time. @returns what the first one was executed, in seconds of a worker */
async function crowded(clients: readonly TestClient[], seed: number, workers = 1): Promise<number> {
  const world = createWorld(createChance(seed), workers, 4);
  for (const one of clients) {
    for (let index = 0; index < one.connections; index++) void world.beGreedy(one, SECONDS);
  }
  let executed = 0;
  world.time.after(SECONDS, () => {
    executed = clients[0]?.executed ?? 0;
  });
  await world.time.runOut();
  assert.ok(
    clients.every(({ inProgress }) => inProgress === 0),
    'everything is answered, also in the slow lane',
  );
  return executed * SECONDS_PER_FLOP;
}

test('while others wait, the lane moves by one image a second, whatever waits in it', async () => {
  for (const slowClients of [1, 3]) {
    for (const workers of [1, 2]) {
      const slow = Array.from({ length: slowClients }, () => client(40, true));
      const ordinary = client(30 * workers, false);
      const got = await crowded([ordinary, ...slow], 1, workers);
      // A tenth for the hold after a batch.
      assert.ok(got > 0.85 * workers * SECONDS, `${got} s of ${workers} workers`);
      const during = slow.flatMap(({ answeredAt }) => answeredAt.filter((at) => at <= SECONDS));
      const turns = SECONDS / SLOW_LANE_SECONDS;
      assert.ok(
        during.length >= turns - 3 && during.length <= turns,
        `${during.length} images in ${SECONDS} s`,
      );
      for (const [index, { answeredAt }] of slow.entries()) {
        const first = answeredAt.filter((at) => at <= SECONDS).length;
        assert.ok(
          first >= Math.floor(turns / slowClients) - 2,
          `client ${index} of the lane: ${first} images`,
        );
      }
    }
  }
});

test('one who wants little waits for one image of the lane at most, and the lane gets the rest', async () => {
  const world = createWorld(createChance(2), 1, 8);
  const slow = client(40, true);
  const modest = client(1, false);
  for (let index = 0; index < slow.connections; index++) void world.beGreedy(slow, SECONDS);
  const waits: number[] = [];
  for (let at = 0.01; at < SECONDS; at += 6 * IMAGE_SECONDS) {
    world.time.after(at, async () => {
      const sent = world.time.now();
      await world.send(modest);
      waits.push(world.time.now() - sent);
    });
  }
  let busy = 0;
  world.time.after(SECONDS, () => {
    busy = world.total() * SECONDS_PER_FLOP;
  });
  await world.time.runOut();
  assert.ok(waits.length > 100);
  assert.ok(Math.max(...waits) <= 2 * IMAGE_SECONDS + 1e-9, `${Math.max(...waits)} s`);
  assert.ok(busy > 0.95 * SECONDS, `the worker is busy for ${busy} of ${SECONDS} s`);
});

test('the expected wait does not count the lane, the depth does', async () => {
  const world = createWorld(createChance(3), 1, 2);
  const [slow, ordinary] = [client(10, true), client(4, false)];
  await Promise.all([world.send(ordinary), world.time.runOut()]);
  for (let index = 0; index < 10; index++) void world.send(slow);
  assert.deepEqual([world.dispatcher.waiting(), world.dispatcher.waitingInSlowLane()], [10, 10]);
  assert.equal(world.dispatcher.waitingSeconds(), 0);
  void world.send(ordinary);
  assert.deepEqual([world.dispatcher.waiting(), world.dispatcher.waitingInSlowLane()], [11, 10]);
  assert.ok(world.dispatcher.waitingSeconds() > 0);
  await world.time.runOut();
  assert.deepEqual([world.dispatcher.waiting(), world.dispatcher.waitingInSlowLane()], [0, 0]);
});
