// The pace of refusals in virtual time: a client that ignores Retry-After sends no more than it is answered, and still
// gets its budget.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '../../src/access/client.js';
import { APART_SECONDS, createRefusalPace, LONGEST_WAIT_SECONDS } from '../../src/access/refusal-pace.js';
import type { Failure } from '../../src/foundation/errors.js';
import { createVirtualTime } from '../workers/simulation/virtual-time.js';

function world(mostWaiting = 1000) {
  const time = createVirtualTime();
  const pace = createRefusalPace({ mostWaiting, ...time });
  /** Of so many refusals that come at 0. @returns when each leaves */
  function leave(client: object, count: number): number[] {
    const left: number[] = [];
    time.after(0, () => {
      for (let index = 0; index < count; index++) {
        void Promise.resolve(pace.next(client)).then(() => {
          left[index] = time.now();
        });
      }
    });
    return left;
  }
  return { time, pace, leave };
}

const isNear = (value: number | undefined, expected: number, what: string) =>
  assert.ok(Math.abs((value ?? Number.NaN) - expected) < 1e-9, `${what}: ${value} instead of ${expected}`);

test('the first refusal leaves at once, others one after the other, none later than the longest wait', async () => {
  const { time, leave } = world();
  const leaving = leave({}, 30);
  const other = leave({}, 1);
  await time.runOut();
  assert.equal(leaving.length, 30);
  for (const [index, at] of leaving.entries()) {
    const turn = index * APART_SECONDS;
    if (turn <= LONGEST_WAIT_SECONDS / 2) isNear(at, turn, `refusal ${index}`);
    else assert.ok(at >= LONGEST_WAIT_SECONDS / 2 && at <= LONGEST_WAIT_SECONDS, `refusal ${index}: ${at}`);
  }
  const late = leaving.slice(10).sort((one, other) => one - other);
  const gaps = late.slice(1).map((at, index) => at - (late[index] ?? 0));
  assert.ok(Math.min(...gaps) > 0.005 && Math.max(...gaps) < 0.1, `they do not leave together: ${gaps}`);
  assert.deepEqual(other, [0], 'another client has a pace of its own');
});

test('a client that waits before it asks again is refused at once', async () => {
  const { time, pace } = world();
  const client = {};
  assert.equal(pace.next(client), undefined);
  for (let at = 1; at <= 5; at++) {
    time.after(at * (APART_SECONDS + 1e-6), () => assert.equal(pace.next(client), undefined));
  }
  await time.runOut();
});

test('no more refusals wait than there are places; further ones leave at once', async () => {
  const { time, pace } = world(3);
  const [one, other] = [{}, {}];
  assert.deepEqual([pace.next(one), pace.next(other)], [undefined, undefined]);
  const waiting = [pace.next(one), pace.next(one), pace.next(other)];
  assert.ok(waiting.every((turn) => turn instanceof Promise));
  assert.deepEqual([pace.next(one), pace.next(other)], [undefined, undefined]);
  await time.runOut();
  await Promise.all(waiting);
  const again = [pace.next(one), pace.next(one), pace.next(one)];
  assert.ok(
    again.every((turn) => turn instanceof Promise),
    'their places are free again',
  );
  await time.runOut();
  await Promise.all(again);
});

test('a client that asks again at once on many connections is refused so often at most, and gets its budget', async () => {
  for (const connections of [1, 16, 64, 300]) {
    const { time, pace } = world();
    const [imageFlops, flopsPerSecond, seconds] = [1000, 8600, 60];
    let executed = 0;
    let refused = 0;
    const client = createClient({
      name: 'greedy',
      settings: { weight: 1, budget: { flopsPerSecond, burstFlops: flopsPerSecond } },
      now: time.now,
      refusalPace: pace,
      onExecuted: (flops) => {
        executed += flops;
      },
      onRefused: () => refused++,
    });
    client.charge(flopsPerSecond)(flopsPerSecond);
    executed = 0;
    const drive = async (): Promise<void> => {
      while (time.now() < seconds) {
        if (client.hasBudget()) {
          const settle = client.charge(1.3 * imageFlops);
          await time.sleep(0.005);
          settle(imageFlops);
        } else await client.refuse();
        await time.sleep(0.0005);
      }
    };
    const drivers: Promise<void>[] = [];
    time.after(0, () => {
      for (let index = 0; index < connections; index++) drivers.push(drive());
    });
    await time.runOut();
    await Promise.all(drivers);
    const share = executed / (flopsPerSecond * seconds);
    assert.ok(Math.abs(share - 1) <= 0.02, `${connections} connections: ${share} of the budget`);
    const most = (seconds + 1) * Math.max(1 / APART_SECONDS, (2 * connections) / LONGEST_WAIT_SECONDS);
    assert.ok(refused > seconds && refused <= most, `${connections} connections: ${refused} refusals`);
  }
});

test('a refusal says how long it takes when it leaves; the budget may be gone by then', async () => {
  const { time, pace } = world();
  const budget = { flopsPerSecond: 100, burstFlops: 100 };
  const client = createClient({
    name: 'a',
    settings: { weight: 1, budget },
    now: time.now,
    refusalPace: pace,
    onExecuted() {},
    onRefused() {},
  });
  client.charge(1100);
  const refusals: Promise<Failure>[] = [];
  time.after(0, () => {
    for (let index = 0; index < 20; index++) refusals.push(client.refuse());
  });
  time.after(0.55, () => client.change({ weight: 1, budget: undefined }));
  await time.runOut();
  const failures = await Promise.all(refusals);
  assert.match(failures[0]?.message ?? '', /its budget of 100 FLOPs a second\. Retry in 10\.000 s\.$/);
  assert.match(failures[5]?.message ?? '', /Retry in 9\.500 s\.$/);
  assert.equal(failures[5]?.retryAfterSeconds, 10);
  assert.match(failures[19]?.message ?? '', /used up its budget\. Retry in 0\.000 s\.$/);
  assert.equal(failures[19]?.retryAfterSeconds, 1);
});
