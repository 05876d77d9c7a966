// How the dispatcher gives background work to workers beside requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from '../../src/network/network.js';
import type { Batch } from '../../src/workers/batch.js';
import { handDispatcher } from './hand-dispatcher.js';

const network = { id: 'm/1' } as Network;
const path = [{ from: -1, exit: 0, threshold: null, flops: 1 }] as const;
const backgroundPath = [{ from: -1, exit: 0, threshold: null, flops: 2 }] as const;

/** Workers controlled by the test: `idle` workers have no batch; `room` workers have one and accept more. */
function lane(share: number) {
  const state = { idle: 1, room: 0 };
  const started: Batch[] = [];
  const places = new Map<Batch, 'idle' | 'room'>();
  const { dispatcher, dispatch } = handDispatcher({
    maxBatch: 1,
    eager: false,
    backgroundShare: share,
    workers: {
      idle: () => state.idle,
      accepting: () => state.idle + state.room,
      hasWorkers: () => true,
      run(batch) {
        const place = state.idle > 0 ? 'idle' : 'room';
        state[place]--;
        places.set(batch, place);
        started.push(batch);
        return () => {};
      },
    },
  });
  const pixels = Uint8Array.of(1, 2, 3);
  const submit = () =>
    dispatcher.submitBackground({ network, policy: 'entropy', path: backgroundPath, image: pixels });
  const request = () =>
    void dispatcher.submit({
      network,
      policy: 'entropy',
      path,
      image: pixels,
      topK: 1,
      deadline: Number.POSITIVE_INFINITY,
      signal: undefined,
    });
  const giveBack = (): Batch => {
    const batch = started.shift();
    assert.ok(batch);
    state[places.get(batch) ?? 'idle']++;
    return batch;
  };
  /** @returns whether the batch was background work */
  const finish = (seconds = 1, images = 1): boolean => {
    const batch = giveBack();
    const leavers = [
      { image: 0, step: 0, reason: 'final' as const, score: 0, top: [{ classIndex: 4, probability: 1 }] },
    ];
    batch.onProgress({ run: { exit: 0, batch: images, started: 0, seconds }, leavers });
    batch.onDone();
    dispatch();
    return batch.command.path === backgroundPath;
  };
  /** Engine time of a request. */
  const earn = (seconds: number): void => {
    request();
    assert.equal(finish(seconds), false);
  };
  return { state, started, submit, request, finish, giveBack, earn, dispatch, pixels };
}

test('an idle worker takes one image at a time, with a copy of its pixels', async () => {
  const { started, submit, finish, dispatch, pixels, state } = lane(0);
  state.idle = 2;
  const [first, second] = [submit(), submit()];
  assert.equal(started.length, 1);
  assert.deepEqual(started[0]?.command.images, pixels);
  assert.notEqual(started[0]?.command.images.buffer, pixels.buffer);
  dispatch();
  assert.equal(started.length, 1, 'the other worker is left to requests');
  finish(2);
  const { top, seconds } = await first;
  assert.deepEqual([top[0]?.classIndex, seconds], [4, 2]);
  finish();
  await second;
});

test('while requests wait, background work gets its share of their engine time; with share 0 it gets none', () => {
  for (const share of [0, 0.1, 0.5]) {
    const { submit, request, finish } = lane(share);
    request();
    request();
    for (let task = 0; task < 100; task++) void submit();
    const calls = { requests: 0, background: 0 };
    while (calls.requests < 100) {
      request();
      calls[finish(0.01) ? 'background' : 'requests']++;
    }
    assert.ok(Math.abs(calls.background - 100 * share) < 2, `${share}: ${calls.background}`);
  }
});

test('in a worker with requests, background work gets its share and pays for its part of a call', async () => {
  const { state, started, submit, finish, earn, dispatch } = lane(0.1);
  Object.assign(state, { idle: 0, room: 1 });
  const sample = submit();
  assert.equal(started.length, 0, 'there is no credit, and no worker is idle');
  state.idle = 1;
  submit().catch(() => {});
  assert.equal(started.length, 1, 'a worker without requests takes it');
  finish(0);
  await sample;
  finish(0);
  earn(0.1);
  Object.assign(state, { idle: 0, room: 1 });
  const charged = submit();
  dispatch();
  assert.equal(started.length, 1);
  finish(0.08, 4);
  assert.equal((await charged).seconds, 0.02);
  void submit();
  assert.equal(started.length, 0, 'the credit is spent');
});

test('unused credit is limited, and work on an idle worker is free', () => {
  const { state, started, submit, finish, earn } = lane(0.1);
  earn(1e6);
  for (let task = 0; task < 10; task++) void submit();
  for (let task = 0; task < 5; task++) assert.ok(finish(0.04));
  state.idle = -1; // idle is 0 when the worker finishes, so it takes no other work
  finish(0.04);
  state.room = 1;
  let ran = 0;
  for (void submit(); started.length > 0; finish(0.04)) ran++;
  assert.equal(ran, 2, '0.05 s of credit');
});

test('failed background work is not retried, and other work continues', async () => {
  const { submit, finish, giveBack, dispatch } = lane(0);
  const [failing, losing, fine] = [submit(), submit(), submit()];
  giveBack().onFailed('no memory');
  await assert.rejects(failing, /no memory/);
  dispatch();
  giveBack().onLost();
  await assert.rejects(losing, /worker died/);
  dispatch();
  finish();
  await fine;
});
