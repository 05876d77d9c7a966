// The pool with real threads: batches, cancelling, loading, closing. (Several batches per worker:
// test/cascade/merging.test.ts.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SegmentSource } from '../../src/engines/engine.js';
import type { ExecutionPath } from '../../src/network/execution-path.js';
import { marked } from '../support/engines/directed-engine.js';
import { testImages } from '../support/packages/profiled-package.js';
import { poolBatch, startPool } from '../support/service/pool.js';
import { until } from '../support/service/service.js';

const images = (await testImages(4)).map(({ pixels }) => pixels);

test('each worker takes one batch at a time and reports when it is idle again', async (t) => {
  const { pool, director, started, calls } = await startPool(t, { size: 2 });
  assert.deepEqual(started.engine, { name: 'onnx', device: 'cpu' });
  assert.equal(started.refused.size, 0);
  assert.deepEqual([pool.idle(), calls.accepting], [2, 2]);
  await director.hold();
  const [first, second] = [poolBatch(images.slice(0, 1)), poolBatch(images)];
  pool.run(first.batch);
  assert.equal(pool.idle(), 1);
  pool.run(second.batch);
  assert.equal(pool.idle(), 0);
  assert.throws(() => pool.run(poolBatch(images).batch), /only to a worker that accepts it\. This is a bug/);
  await director.release();
  assert.deepEqual(await Promise.all([first.ended, second.ended]), ['done', 'done']);
  assert.deepEqual([pool.idle(), calls.accepting], [2, 4]);
  assert.deepEqual(first.leavers().length, 1);
  const all = second.leavers().map(({ image }) => image);
  assert.deepEqual(all.sort(), [0, 1, 2, 3], 'every image leaves once');
});

test('a cancelled image is left out of later calls; cancelling after the end has no effect', async (t) => {
  const { pool, director, runs } = await startPool(t, { size: 1 });
  await director.hold();
  const first = poolBatch(images);
  const cancel = pool.run(first.batch);
  await until(async () => (await runs()).length === 1);
  cancel(1);
  cancel(2);
  await director.release();
  await first.ended;
  assert.deepEqual(
    (await runs()).slice(0, 2).map(({ batch }) => batch),
    [4, 2],
  );
  assert.ok(first.leavers().every(({ image }) => image === 0 || image === 3));

  await director.hold();
  const second = poolBatch(images);
  pool.run(second.batch);
  for (const image of images.keys()) cancel(image);
  await director.release();
  await second.ended;
  assert.equal(second.leavers().length, 4);
});

test('closing waits for the current batch and only then ends the thread', async (t) => {
  const { pool, director, runs } = await startPool(t, { size: 2 });
  await director.hold();
  const { batch, ended, leavers } = poolBatch(images);
  pool.run(batch);
  await until(async () => (await runs()).length === 1);
  let isClosed = false;
  const closed = pool.close().then(() => {
    isClosed = true;
  });
  await until(() => pool.idle() === 0);
  assert.equal(isClosed, false);
  await director.release();
  assert.equal(await ended, 'done');
  assert.equal(leavers().length, 4);
  await closed;
});

/** The segments that pass the second exit without its head. */
const skipsTheSecond = ({ from, to }: SegmentSource) => from === -1 || (from === 0 && to === 2);
const straight: ExecutionPath = [{ from: -1, exit: 2, threshold: null, flops: 1 }];

test('segments are loaded into one worker after another, while the others continue to serve', async (t) => {
  const { pool, director, others, more } = await startPool(t, { size: 2, wanted: skipsTheSecond });
  assert.ok(others.length > 0);
  const without = poolBatch(images);
  pool.run(without.batch);
  assert.match(await without.ended, /^failed: segment 0>1 of tiny\/1 is not loaded/);

  await director.hold();
  const loaded = more(others);
  assert.equal(pool.idle(), 1);
  await director.release();
  await loaded;
  const both = [poolBatch(images), poolBatch(images)];
  for (const { batch } of both) pool.run(batch);
  assert.deepEqual(await Promise.all(both.map(({ ended }) => ended)), ['done', 'done']);
});

test('a busy worker loads when its batch is done', async (t) => {
  const { pool, director, others, more } = await startPool(t, { size: 1, wanted: skipsTheSecond });
  await director.hold();
  const { batch, ended } = poolBatch(images, { way: straight });
  pool.run(batch);
  const loaded = more(others);
  await director.release();
  assert.equal(await ended, 'done');
  await loaded;
  const again = poolBatch(images);
  pool.run(again.batch);
  assert.equal(await again.ended, 'done');
});

test('segments that a worker refuses do not change the worker', async (t) => {
  const { pool, others, more } = await startPool(t, { size: 1, wanted: skipsTheSecond });
  const damaged = others.map((one) => ({ ...one, graph: Uint8Array.of(1, 2, 3) }));
  await assert.rejects(more(damaged), /^PackageError: The onnx engine cannot load it: /);
  await more(others);
  const { batch, ended } = poolBatch(images);
  pool.run(batch);
  assert.equal(await ended, 'done');
});

test('segments that kill the worker that loads them are refused, and its replacement does not load them', async (t) => {
  const { pool, calls, others, more } = await startPool(t, { size: 2, wanted: skipsTheSecond });
  const deadly = others.map((one) => ({ ...one, graph: new Uint8Array() }));
  await assert.rejects(more(deadly), /^PackageError: A worker died while it loaded the network\.$/);
  await until(() => pool.idle() === 2);
  assert.equal(calls.restarts, 1);
  await more(others);
  const both = [poolBatch(images), poolBatch(images)];
  for (const { batch } of both) pool.run(batch);
  assert.deepEqual(await Promise.all(both.map(({ ended }) => ended)), ['done', 'done']);
});

const deadly = () =>
  poolBatch(
    images.slice(0, 1).map((image) => marked(image, 'exit')),
    { way: straight },
  );

test('segments that are loaded while a worker is being replaced are also loaded by its replacement', async (t) => {
  const { pool, director, runs, calls, others, more } = await startPool(t, {
    size: 2,
    wanted: skipsTheSecond,
  });
  const { batch, ended } = deadly();
  await director.hold();
  pool.run(batch);
  await until(async () => (await runs()).length === 1);
  await director.pass(); // its successor's self-check is held
  assert.equal(await ended, 'lost');
  const loaded = more(others);
  await director.release();
  await loaded;
  await until(() => pool.idle() === 2);
  const both = [poolBatch(images), poolBatch(images)];
  for (const one of both) pool.run(one.batch);
  assert.deepEqual(await Promise.all(both.map((one) => one.ended)), ['done', 'done']);
  assert.deepEqual([calls.restarts, calls.noneLeft], [1, 0]);
});

test('segments that no worker is left to check are refused, and do not prevent replacements', async (t) => {
  const { pool, director, calls, others, more } = await startPool(t, { size: 1, wanted: skipsTheSecond });
  await director.refuse();
  const { batch, ended } = deadly();
  pool.run(batch);
  assert.equal(await ended, 'lost');
  await until(() => calls.noneLeft > 0);
  assert.equal(pool.hasWorkers(), false);
  const damaged = others.map((one) => ({ ...one, graph: Uint8Array.of(1, 2, 3) }));
  await assert.rejects(more(damaged), /^PackageError: No worker is left that could check it\.$/);
  await director.accept();
  await until(() => pool.idle() === 1);
  assert.equal(pool.hasWorkers(), true);
  await more(others);
  const after = poolBatch(images);
  pool.run(after.batch);
  assert.equal(await after.ended, 'done');
});
