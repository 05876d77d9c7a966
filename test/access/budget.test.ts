// Budgets in virtual time: the balance, and how exactly a client that always wants more gets its rate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BudgetSettings, createBudget } from '../../src/access/budget.js';
import { createClient, retryAfter } from '../../src/access/client.js';
import { Failure } from '../../src/foundation/errors.js';
import { createUniform } from '../../src/foundation/random.js';

function clientWith(budget: BudgetSettings | undefined) {
  const clock = { now: 100 };
  const seen = { executed: 0, refused: 0 };
  const client = createClient({
    name: 'a',
    settings: { weight: 1, budget },
    now: () => clock.now,
    refusalPace: { next: () => undefined },
    onExecuted: (flops) => {
      seen.executed += flops;
    },
    onRefused: () => {
      seen.refused++;
    },
  });
  return { clock, seen, client };
}

function refusal(check: () => void): Failure | undefined {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof Failure);
    return error;
  }
  return undefined;
}

test('a budget begins with a burst, goes into debt, and is refilled up to the burst', () => {
  const clock = { now: 5 };
  const budget = createBudget({ flopsPerSecond: 10, burstFlops: 30 }, () => clock.now);
  assert.equal(budget.balance(), 30);
  budget.charge(50);
  assert.deepEqual([budget.balance(), budget.waitSeconds()], [-20, 2]);
  clock.now += 1.5;
  assert.deepEqual([budget.balance(), budget.waitSeconds()], [-5, 0.5]);
  clock.now += 0.5;
  assert.deepEqual([budget.balance(), budget.waitSeconds()], [0, 0]);
  clock.now += 1000;
  assert.equal(budget.balance(), 30);
  budget.charge(-10);
  clock.now += 1;
  assert.equal(budget.balance(), 40, 'what is given back may exceed the burst; no refill does');
  budget.charge(30);
  budget.change({ flopsPerSecond: 1, burstFlops: 100 });
  assert.equal(budget.balance(), 10, 'a larger burst is no gift');
  budget.change({ flopsPerSecond: 1, burstFlops: 4 });
  assert.equal(budget.balance(), 4);
});

test('a client is refused while nothing is left, and told when to retry', () => {
  const { clock, seen, client } = clientWith({ flopsPerSecond: 128, burstFlops: 128 });
  client.checkBudget();
  const settle = client.charge(96);
  client.checkBudget();
  client.charge(224)(224);
  const failure = refusal(client.checkBudget);
  assert.deepEqual([failure?.type, failure?.status, failure?.retryAfterSeconds], ['budget-exceeded', 429, 2]);
  assert.match(failure?.message ?? '', /budget of 128 FLOPs a second\. Retry in 1\.500 s\.$/);
  settle(32);
  assert.equal(client.budget?.balance(), -128, 'the image cost less than expected');
  clock.now += 1;
  assert.ok(refusal(client.checkBudget), 'a balance of 0 is nothing');
  clock.now += 0.001;
  client.checkBudget();
  assert.deepEqual(seen, { executed: 256, refused: 2 });
  assert.deepEqual([0, 0.2, 1, 1.01].map(retryAfter), [1, 1, 1, 2]);
});

test('a client without a budget is never refused, but what it executes is told', () => {
  const { seen, client } = clientWith(undefined);
  for (let image = 0; image < 100; image++) client.charge(1e12)(1e12);
  client.checkBudget();
  assert.deepEqual(seen, { executed: 1e14, refused: 0 });
});

test('settings change at once; an image in progress is settled with the budget that it was charged to', () => {
  const { client } = clientWith({ flopsPerSecond: 100, burstFlops: 100 });
  const settle = client.charge(60);
  client.change({ weight: 3, budget: { flopsPerSecond: 50, burstFlops: 80 } });
  assert.deepEqual([client.weight, client.budget?.balance()], [3, 40]);
  settle(50);
  assert.equal(client.budget?.balance(), 50);
  const late = client.charge(10);
  client.change({ weight: 1, budget: undefined });
  client.change({ weight: 1, budget: { flopsPerSecond: 10, burstFlops: 10 } });
  late(1000);
  assert.equal(client.budget?.balance(), 10);
});

/** Sends whatever is admitted, for a minute. @returns the executed FLOPs, as a share of the budget */
function minuteOf(
  random: () => number,
  { rate, burst, batch }: { rate: number; burst: number; batch: number },
) {
  const { clock, seen, client } = clientWith({ flopsPerSecond: rate, burstFlops: burst });
  const running: { end: number; settle: () => void }[] = [];
  /** Used up, so that the minute does not begin with a burst. */
  client.charge(burst)(burst);
  const before = seen.executed;
  for (const started = clock.now; clock.now - started < 60; clock.now += 0.001 + 0.01 * random()) {
    while (running[0] && running[0].end <= clock.now) running.shift()?.settle();
    while (!refusal(client.checkBudget)) {
      for (let image = 0; image < batch; image++) {
        // Two of three images leave early; one in ten is cancelled before it has cost anything.
        const flops = random() < 0.1 ? 0 : random() < 2 / 3 ? 400 : 1600;
        const settle = client.charge(1000);
        running.push({ end: clock.now + 0.05, settle: () => settle(flops) });
      }
    }
  }
  for (const { settle } of running) settle();
  return (seen.executed - before) / (60 * rate);
}

test('over a minute a greedy client gets its budget to 2 %, alone, in batches and with any burst', () => {
  const random = createUniform(1);
  for (const batch of [1, 8, 64]) {
    for (const burst of [1e3, 1e5, 1e7]) {
      const share = minuteOf(random, { rate: 1e5, burst, batch });
      assert.ok(
        Math.abs(share - 1) <= 0.02,
        `${share} of the budget with batches of ${batch}, burst ${burst}`,
      );
    }
  }
});
