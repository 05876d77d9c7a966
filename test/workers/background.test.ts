import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from '../../src/network/network.js';
import { createBackground } from '../../src/workers/background.js';
import type { Batch } from '../../src/workers/batch.js';

/** A lane whose workers and whose queue of requests the test moves by hand. */
function lane(share: number) {
  const state = { idle: 1, room: 0, waiting: 0 };
  const started: Batch[] = [];
  const background = createBackground({
    idle: () => state.idle,
    accepting: () => state.idle + state.room,
    waiting: () => state.waiting,
    share,
    run(batch) {
      state.idle--;
      started.push(batch);
    },
  });
  const pixels = Uint8Array.of(1, 2, 3);
  const submit = () =>
    background.run({
      network: { id: 'm/1' } as Network,
      policy: 'entropy',
      path: [{ from: -1, exit: 0, threshold: null, flops: 1 }],
      pixels,
    });
  const finish = (seconds = 1, batch = 1) => {
    const own = started.shift();
    assert.ok(own);
    const top = [{ classIndex: 4, probability: 1 }];
    const leavers = [{ image: 0, step: 0, reason: 'final' as const, score: 0, top }];
    own.onProgress({ run: { exit: 0, batch, started: 0, seconds }, leavers });
    own.onDone();
    state.idle++;
  };
  return { background, state, started, submit, finish, pixels };
}

test('an idle worker takes one image at a time, with a copy of its pixels', async () => {
  const { background, started, submit, finish, pixels, state } = lane(0);
  state.idle = 2;
  const [first, second] = [submit(), submit()];
  assert.equal(started.length, 1);
  assert.deepEqual(started[0]?.command.pixels, pixels);
  assert.notEqual(started[0]?.command.pixels.buffer, pixels.buffer);
  background.takeRest();
  assert.equal(started.length, 1, 'the other worker is left to requests');
  finish(2);
  const { top, seconds } = await first;
  assert.deepEqual([top[0]?.classIndex, seconds], [4, 2]);
  background.takeRest();
  finish();
  await second;
});

test('while requests wait it has its share of their engine time, and nothing without one', () => {
  for (const share of [0, 0.1, 0.5]) {
    const { background, state, started, submit, finish } = lane(share);
    state.waiting = 1;
    for (let task = 0; task < 100; task++) void submit();
    let ran = 0;
    for (let batch = 0; batch < 100; batch++) {
      background.earn(0.01);
      background.takeShare();
      if (started.length > 0) {
        finish(0.01);
        ran += 0.01;
      }
      background.takeRest();
      assert.equal(started.length, 0, 'not beside those that wait');
    }
    assert.ok(Math.abs(ran - share) < 0.02, `${share}: ${ran}`);
  }
});

test('beside requests in the hands of the same worker it has its share, and pays for its part of a call', async () => {
  const { background, state, started, submit, finish } = lane(0.1);
  Object.assign(state, { idle: 0, room: 1 });
  const sample = submit();
  background.takeShare();
  assert.equal(started.length, 0, 'nothing has been earned');
  background.earn(0.1);
  background.takeRest();
  assert.equal(started.length, 0, 'no worker is free of requests');
  background.takeShare();
  assert.equal(started.length, 1);
  finish(0.04, 4);
  assert.equal((await sample).seconds, 0.01);
});

test('unused share does not pile up, and work beside no request is free', () => {
  const { background, state, started, submit, finish } = lane(0.1);
  background.earn(1e6);
  for (let task = 0; task < 10; task++) void submit();
  for (let task = 0; task < 5; task++) {
    finish(0.04);
    background.takeRest();
  }
  finish(0.04);
  state.waiting = 1;
  let ran = 0;
  for (background.takeShare(); started.length > 0; background.takeShare()) {
    finish(0.04);
    ran++;
  }
  assert.equal(ran, 2, '0.05 s of credit');
});

test('what fails is not tried again and keeps nobody from going on', async () => {
  const { background, state, started, submit, finish } = lane(0);
  const [failing, losing, fine] = [submit(), submit(), submit()];
  started.shift()?.onFailed('no memory');
  state.idle++;
  await assert.rejects(failing, /no memory/);
  background.takeRest();
  started.shift()?.onLost();
  state.idle++;
  await assert.rejects(losing, /worker died/);
  background.takeRest();
  finish();
  await fine;
});
