import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BufferOptions } from '../../src/engines/choose.js';
import type { Failure } from '../../src/foundation/errors.js';
import type { AfterTurn } from '../../src/foundation/timers.js';
import type { ExecutionPath } from '../../src/network/execution-path.js';
import type { Network } from '../../src/network/network.js';
import type { Batch } from '../../src/workers/batch.js';
import type { Job } from '../../src/workers/request.js';
import { handDispatcher } from './hand-dispatcher.js';

const network = { id: 'm/1' } as Network;
const aPath = (): ExecutionPath => [{ from: -1, exit: 0, threshold: null, flops: 1 }];
const [p, q] = [aPath(), aPath()];

/**
 * A dispatcher with `workers` workers. The test ends their batches and moves the clock.
 * @param buffer capacity of each worker, here in batches of any size
 * @param afterTurn default: at once
 */
function bench(
  workers: number,
  maxBatch = 8,
  buffer: BufferOptions = { concurrentBatches: 1, eager: false },
  afterTurn: AfterTurn = (callback) => callback(),
) {
  const running: Batch[] = [];
  const cancelled: number[] = [];
  const clock = { now: 0 };
  const pool = { hasWorkers: true };
  const { dispatcher, segments, dispatch, giveUp } = handDispatcher({
    maxBatch,
    eager: buffer.eager,
    afterTurn,
    now: () => clock.now,
    workers: {
      idle: () => Math.max(0, workers - running.length),
      accepting: () => {
        const places = running.some(({ alone }) => alone)
          ? 0
          : workers * buffer.concurrentBatches - running.length;
        return Math.min(workers, places);
      },
      hasWorkers: () => pool.hasWorkers,
      run(batch) {
        running.push(batch);
        return (image) => cancelled.push(image);
      },
    },
  });
  const submit = (id: number, job: Partial<Job> = {}) =>
    dispatcher.submit({
      network,
      policy: 'entropy',
      path: p,
      image: Uint8Array.of(id),
      topK: 1,
      deadline: Number.POSITIVE_INFINITY,
      signal: undefined,
      ...job,
    });
  const take = (index = 0): Batch => {
    const [batch] = running.splice(index, 1);
    assert.ok(batch);
    return batch;
  };
  const finish = (batch: Batch, seconds = 1) => {
    const leavers = [...batch.command.images].map((id, image) => ({
      image,
      step: 0,
      reason: 'final' as const,
      score: id,
      top: [],
    }));
    batch.onProgress({ run: { exit: 0, batch: leavers.length, started: 0, seconds }, leavers });
    batch.onDone();
    dispatch();
  };
  const { waiting: depth } = dispatcher;
  return {
    ...dispatcher,
    depth,
    dispatch,
    giveUp,
    running,
    cancelled,
    clock,
    pool,
    segments,
    submit,
    take,
    finish,
  };
}

const type = (expected: string) => (error: Failure) => error.type === expected;
const sizes = (batches: Batch[]) => batches.map(({ command }) => command.images.length);

test('an idle worker takes a request at once; while all are busy, new requests form the next batch', async () => {
  const { submit, running, take, finish } = bench(1);
  const answers = [0, 1, 2, 3].map((id) => submit(id));
  assert.deepEqual(sizes(running), [1]);
  finish(take());
  assert.deepEqual(sizes(running), [3]);
  finish(take());
  assert.deepEqual(
    (await Promise.all(answers)).map(({ score }) => score),
    [0, 1, 2, 3],
  );
});

test('explained requests run in batches of their own; the command for others does not mention it', async () => {
  const { submit, running, take, finish } = bench(1);
  const answers = [
    submit(0),
    submit(1),
    submit(2, { explain: 'full' }),
    submit(3),
    submit(4, { explain: 'path' }),
  ];
  const commands = [];
  while (running.length > 0) {
    const batch = take();
    const { images, explain } = batch.command;
    commands.push([[...images], 'explain' in batch.command ? explain : 'none']);
    finish(batch);
  }
  assert.deepEqual(commands, [
    [[0], 'none'],
    [[1, 3], 'none'],
    [[2], 'full'],
    [[4], 'path'],
  ]);
  await Promise.all(answers);
});

test('waiting requests are shared evenly among the idle workers, up to maxBatch each', async () => {
  const { submit, running, depth, dispatch } = bench(3, 4);
  const blocked = running.push(...([{}, {}, {}] as Batch[]));
  assert.equal(blocked, 3);
  for (let id = 0; id < 14; id++) void submit(id);
  running.length = 0;
  dispatch();
  assert.deepEqual(sizes(running), [4, 4, 4]);
  assert.equal(depth(), 2);
  running.length = 0;
  dispatch();
  assert.deepEqual(sizes(running), [1, 1]);
});

test('little work is not divided: a second worker gets a share from 1 ms of engine time on', () => {
  const { submit, running, take, finish, dispatch } = bench(2, 8);
  const load = (count: number): void => {
    running.push(...([{}, {}] as Batch[]));
    for (let id = 0; id < count; id++) void submit(id);
    running.splice(-2);
    dispatch();
  };
  void submit(0);
  finish(take(), 0.0001);
  load(8);
  assert.deepEqual(sizes(running), [8]);
  finish(take(), 0.02);
  load(8);
  assert.deepEqual(sizes(running), [4, 4]);
});

test('requests of one turn of the event loop share a batch', () => {
  const turns: (() => void)[] = [];
  const { submit, running } = bench(1, 8, undefined, (callback) => turns.push(callback));
  for (let id = 0; id < 3; id++) void submit(id);
  assert.deepEqual(sizes(running), []);
  assert.equal(turns.length, 1);
  turns[0]?.();
  assert.deepEqual(sizes(running), [3]);
});

test('only requests on the same path share a batch, and the oldest goes first', () => {
  const { submit, running, take, finish } = bench(1);
  void submit(0);
  void submit(1, { path: q });
  void submit(2);
  void submit(3, { path: q });
  void submit(4, { path: aPath() });
  finish(take());
  assert.deepEqual([...(running[0] as Batch).command.images], [1, 3]);
});

test('pixels and the values of tensors do not share a batch', () => {
  const { submit, running, take, finish } = bench(1);
  void submit(0);
  void submit(1, { image: Float32Array.of(1.5) });
  void submit(2);
  void submit(3, { image: Float32Array.of(3.5) });
  finish(take());
  assert.deepEqual((running[0] as Batch).command.images, Float32Array.of(1.5, 3.5));
});

test('a deadline that passes in the queue is answered at once, without a worker', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { submit, clock, depth, dispatch } = bench(1);
  void submit(0);
  const late = submit(1, { deadline: 5 });
  clock.now = 5;
  t.mock.timers.tick(5000);
  await assert.rejects(late, type('deadline-exceeded'));
  dispatch();
  assert.equal(depth(), 0);
});

test('when a worker has the request, only the cascade checks its deadline', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { submit, take, finish } = bench(1);
  const answer = submit(7, { deadline: 5 });
  t.mock.timers.tick(6000);
  finish(take());
  assert.equal((await answer).score, 7);
});

test('after a worker is lost, the deadlines of its requests are watched again, passed or not', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { submit, running, clock, take, depth } = bench(2);
  const answers = [5, 9].map((deadline, id) => submit(id, { deadline }));
  const lost = [take(), take()];
  running.push({} as Batch, {} as Batch); // no worker is idle
  clock.now = 6;
  t.mock.timers.tick(6000);
  for (const batch of lost) batch.onLost();
  t.mock.timers.tick(1);
  assert.equal(depth(), 1);
  await assert.rejects(answers[0] as Promise<unknown>, type('deadline-exceeded'));
  clock.now = 9;
  t.mock.timers.tick(3000);
  await assert.rejects(answers[1] as Promise<unknown>, type('deadline-exceeded'));
});

test('a request of a disconnected client is dropped from the queue, or from its batch between stages', async () => {
  const { submit, running, cancelled, take, finish } = bench(1);
  const [running0, waiting] = [new AbortController(), new AbortController()];
  const first = submit(0, { signal: running0.signal });
  const second = submit(1, { signal: waiting.signal });
  waiting.abort();
  running0.abort();
  await assert.rejects(first, type('client-gone'));
  await assert.rejects(second, type('client-gone'));
  assert.deepEqual(cancelled, [0]);
  finish(take());
  assert.equal(running.length, 0);
});

test('a lost request is retried once, before all others, and then answered with 503', async () => {
  const { submit, running, take, finish } = bench(1, 1);
  const lost = submit(0);
  const other = submit(1);
  take().onLost();
  assert.deepEqual([...(running[0] as Batch).command.images], [0]);
  take().onLost();
  await assert.rejects(lost, type('worker-lost'));
  finish(take());
  assert.equal((await other).score, 1);
});

test('if the engine throws, only its batch fails', async () => {
  const { submit, take, finish, dispatch } = bench(1);
  const failing = submit(0);
  const fine = submit(1);
  take().onFailed('out of memory');
  await assert.rejects(failing, type('internal-error'));
  dispatch();
  finish(take());
  assert.equal((await fine).score, 1);
});

test('requests whose deadlines have passed do not keep an idle worker from later requests', async () => {
  const { submit, running, clock, take, finish } = bench(1);
  const first = submit(0);
  const late = [submit(1, { deadline: 5 }), submit(2, { deadline: 5 })];
  for (const answer of late) answer.catch(() => {});
  const behind = submit(3, { path: q });
  clock.now = 6;
  finish(take());
  assert.equal(running.length, 1);
  finish(take());
  assert.deepEqual([(await first).score, (await behind).score], [0, 3]);
  for (const answer of late) await assert.rejects(answer, type('deadline-exceeded'));
});

test('requests that lost a worker together are retried one at a time', async () => {
  const { submit, running, take, finish } = bench(1);
  const answers = [0, 1, 2].map((id) => submit(id));
  finish(take());
  const fresh = submit(3);
  take().onLost();
  const batches: number[][] = [];
  while (running.length > 0) {
    const batch = take();
    batches.push([...batch.command.images]);
    finish(batch);
  }
  assert.deepEqual(batches, [[1], [2], [3]]);
  await Promise.all([...answers, fresh]);
});

test('with eager, a busy worker takes waiting requests, in batches as large as possible', () => {
  const { submit, running, take, depth, dispatch } = bench(1, 4, { concurrentBatches: 3, eager: true });
  for (let id = 0; id < 3; id++) void submit(id);
  assert.deepEqual(sizes(running), [1, 1, 1]);
  for (let id = 3; id < 12; id++) void submit(id);
  take();
  take();
  dispatch();
  assert.deepEqual(sizes(running), [1, 4, 4]);
  assert.equal(depth(), 1);
});

test('without eager, a busy worker takes a full batch; fewer requests wait for an idle worker', () => {
  const { submit, running, take, finish } = bench(2, 4, { concurrentBatches: 2, eager: false });
  for (let id = 0; id < 5; id++) void submit(id);
  assert.deepEqual(sizes(running), [1, 1]);
  void submit(5);
  assert.deepEqual(sizes(running), [1, 1, 4]);
  for (let id = 6; id < 13; id++) void submit(id);
  assert.deepEqual(sizes(running), [1, 1, 4, 4]);
  take(3);
  take(2);
  finish(take());
  assert.deepEqual(sizes(running), [1, 3], 'the idle worker has what is left');
});

test('the queue time of a request ends at its first engine call, also if it waits in a worker’s buffer', async () => {
  const { submit, take, clock } = bench(1);
  clock.now = 2;
  const answer = submit(0);
  const { onProgress } = take();
  const leaver = { image: 0, step: 1, reason: 'final' as const, score: 0, top: [] };
  onProgress({ run: { exit: 0, batch: 1, started: 5, seconds: 1 }, leavers: [] });
  onProgress({ run: { exit: 1, batch: 1, started: 8, seconds: 1 }, leavers: [leaver] });
  const { queueSeconds, inferSeconds } = await answer;
  assert.deepEqual([queueSeconds, inferSeconds], [3, 2]);
});

test('a request that has lost a worker waits for an idle worker and runs alone there', async () => {
  const { submit, running, take, finish } = bench(1, 8, { concurrentBatches: 3, eager: true });
  const answers = [0, 1, 2].map((id) => submit(id));
  take().onLost();
  assert.equal(running.length, 2, 'not beside the others');
  answers.push(submit(3));
  assert.equal(running.length, 2, 'and no other request overtakes it');
  finish(take());
  finish(take());
  assert.deepEqual(
    running.map(({ alone, command }) => [alone, ...command.images]),
    [[true, 0]],
  );
  answers.push(submit(4));
  assert.equal(running.length, 1);
  finish(take());
  assert.deepEqual(
    running.map(({ alone, command }) => [alone, ...command.images]),
    [[false, 3, 4]],
  );
  finish(take());
  await Promise.all(answers);
});

test('an engine call shared by batches is counted once', () => {
  const { submit, running, segments } = bench(1, 8, { concurrentBatches: 2, eager: true });
  void submit(0);
  void submit(1, { path: q });
  const calls = [0, 1].map((started) => ({ exit: 0, batch: 2, started, seconds: 1 }));
  for (const run of calls) for (const batch of running) batch.onProgress({ run, leavers: [] });
  assert.deepEqual(segments, calls);
});

test('waiting requests count with the mean engine time of their networks, and all engine calls add up', () => {
  const { submit, take, finish, waitingSeconds, engineSeconds } = bench(1);
  const other = { id: 'other/1' } as Network;
  void submit(0);
  void submit(1);
  assert.equal(waitingSeconds(), 0, 'no image has left yet');
  finish(take(), 0.5);
  for (let id = 2; id < 5; id++) void submit(id);
  void submit(5, { network: other });
  assert.equal(waitingSeconds().toFixed(9), '1.500000000', 'nothing is known of the other network');
  assert.equal(engineSeconds(), 0.5);
  finish(take(), 0.25);
  assert.equal(engineSeconds(), 0.75);
  finish(take(), 0.25);
  assert.equal(waitingSeconds(), 0);
});

test('when no worker is left and none can be started, waiting and later requests are refused', async () => {
  const { submit, pool, take, finish, depth, giveUp } = bench(1);
  const running = submit(0);
  const waiting = [submit(1), submit(2)];
  pool.hasWorkers = false;
  giveUp();
  for (const answer of [...waiting, submit(3)]) await assert.rejects(answer, type('worker-lost'));
  assert.equal(depth(), 0);
  pool.hasWorkers = true;
  finish(take());
  const later = submit(4);
  finish(take());
  assert.deepEqual([(await running).score, (await later).score], [0, 4]);
});
