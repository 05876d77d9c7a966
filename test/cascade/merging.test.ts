// Several batches in one worker, with real threads: their images share engine calls and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExecutionPath } from '../../src/network/execution-path.js';
import type { Leaver } from '../../src/workers/protocol.js';
import { type Mark, marked } from '../support/engines/directed-engine.js';
import { testImages } from '../support/packages/profiled-package.js';
import { path, poolBatch, startPool } from '../support/service/pool.js';
import { until } from '../support/service/service.js';

const images = (await testImages(8)).map(({ pixels }) => pixels);
const [a = new Uint8Array(), b = a, c = a, d = a, e = a] = images;
const withMark = (mark: Mark): Uint8Array => marked(a, mark);

/** The path through all exits to the final one, where all images leave. */
const toTheEnd = path.map((step) => ({ ...step, threshold: null })) as unknown as ExecutionPath;
const straight: ExecutionPath = [{ from: -1, exit: 2, threshold: null, flops: 3 }];

/** Workers with room for the images of three batches, and a batch of one image held in its first call. */
async function heldPool(t: Parameters<typeof startPool>[0], size = 1) {
  const { pool, director, runs, calls } = await startPool(t, { size, concurrentBatches: 3 });
  await director.hold();
  const give = (pixels: readonly Uint8Array[], options: Parameters<typeof poolBatch>[1] = {}) => {
    const one = poolBatch(pixels, { way: toTheEnd, ...options });
    return { ...one, cancel: pool.run(one.batch) };
  };
  const held = give([a]);
  await until(async () => (await runs()).length === 1);
  return { pool, director, calls, runs, give, held };
}

const labels = (leavers: readonly Leaver[]) =>
  leavers.toSorted((x, y) => x.image - y.image).map(({ image, top }) => [image, top[0]?.classIndex]);

/** The answer of each image when it is alone in its worker. */
async function labelsAlone(t: Parameters<typeof startPool>[0], pixels: readonly Uint8Array[]) {
  const { pool } = await startPool(t, { size: 1 });
  const alone: (number | undefined)[] = [];
  for (const one of pixels) {
    const { batch, ended, leavers } = poolBatch([one], { way: toTheEnd });
    pool.run(batch);
    assert.equal(await ended, 'done');
    alone.push(leavers()[0]?.top[0]?.classIndex);
  }
  return alone;
}

test('images that stay after a stage are merged with later images, and get the same answers as alone', async (t) => {
  const { director, runs, give, held } = await heldPool(t);
  const later = give([b, c, d]);
  const last = give([e]);
  await director.release();
  assert.deepEqual(await Promise.all([held.ended, later.ended, last.ended]), ['done', 'done', 'done']);
  assert.deepEqual(await runs(), [
    { from: -1, to: 0, batch: 1 },
    { from: -1, to: 0, batch: 4 },
    { from: 0, to: 1, batch: 4 },
    { from: 1, to: 2, batch: 4 },
    { from: 0, to: 1, batch: 1 },
    { from: 1, to: 2, batch: 1 },
  ]);
  const alone = await labelsAlone(t, [a, b, c, d]);
  assert.deepEqual(labels(held.leavers()), [[0, alone[0]]]);
  assert.deepEqual(labels(later.leavers()), [
    [0, alone[1]],
    [1, alone[2]],
    [2, alone[3]],
  ]);
});

test('each batch keeps its own thresholds in a shared call: some images leave, the others continue', async (t) => {
  const { director, runs, give, held } = await heldPool(t);
  const atOnce = toTheEnd.map((step) => ({ ...step, threshold: step.exit < 2 ? 1 : null }));
  const leaving = give([b, c, e], { way: atOnce as unknown as ExecutionPath });
  const staying = give([d]);
  await director.release();
  await Promise.all([held, leaving, staying].map(({ ended }) => ended));
  assert.deepEqual(
    leaving.leavers().map(({ step, reason }) => [step, reason]),
    [
      [0, 'confident'],
      [0, 'confident'],
      [0, 'confident'],
    ],
  );
  assert.deepEqual(await runs(), [
    { from: -1, to: 0, batch: 1 },
    { from: -1, to: 0, batch: 4 },
    { from: 0, to: 1, batch: 2 },
    { from: 1, to: 2, batch: 2 },
  ]);
});

test('a call has at most maxBatch images; the others run in the next call', async (t) => {
  const { director, runs, give, held } = await heldPool(t);
  const others = [give([b, c, d]), give([e, b, c])];
  await director.release();
  for (const { ended } of [held, ...others]) assert.equal(await ended, 'done');
  const sizes = (await runs()).map(({ batch }) => batch);
  assert.ok(Math.max(...sizes) === 4, `${sizes}`);
  assert.equal(
    sizes.reduce((sum, size) => sum + size),
    7 * 3,
    'every image in every segment once',
  );
});

test('workers accept batches up to their capacity; the worker with the fewest images is first', async (t) => {
  const { pool, director, calls, give, held } = await heldPool(t, 2);
  const four = [b, c, d, e];
  const others = [give([b]), give(four), give(four), give(four), give(four)];
  assert.deepEqual([pool.idle(), pool.accepting()], [0, 2], 'nine images each');
  others.push(give(four));
  assert.deepEqual([pool.idle(), pool.accepting()], [0, 1]);
  others.push(give(four));
  assert.deepEqual([pool.idle(), pool.accepting()], [0, 0]);
  assert.throws(() => give([c]), /only to a worker that accepts it\. This is a bug/);
  const before = calls.accepting;
  await director.release();
  for (const { ended } of [held, ...others]) assert.equal(await ended, 'done');
  assert.ok(calls.accepting > before);
  assert.deepEqual([pool.idle(), pool.accepting()], [2, 2]);
});

test('a cancelled image is left out of later calls; images of other batches are not affected', async (t) => {
  const { director, runs, give, held } = await heldPool(t);
  const two = give([b, c]);
  const gone = give([d]);
  held.cancel(0);
  two.cancel(1);
  gone.cancel(0);
  await director.release();
  assert.deepEqual(await Promise.all([held.ended, two.ended, gone.ended]), ['done', 'done', 'done']);
  assert.deepEqual(
    [held, two, gone].map(({ leavers }) => leavers().map(({ image }) => image)),
    [[], [0], []],
  );
  assert.deepEqual(
    (await runs()).map(({ batch }) => batch),
    [1, 1, 1, 1],
  );
  const next = give([d, e]);
  two.cancel(0);
  gone.cancel(0);
  assert.equal(await next.ended, 'done');
  assert.equal(next.leavers().length, 2, 'cancelling after the end has no effect');
});

test('a failed engine call fails its own batches and no other batches of the worker', async (t) => {
  const { director, runs, give, held } = await heldPool(t);
  const faulty = give([withMark('throw'), d]);
  const beside = give([b, c]);
  await director.release();
  assert.match(await faulty.ended, /^failed: no memory left/);
  assert.match(await beside.ended, /^failed: no memory left/, 'they shared the call');
  assert.equal(await held.ended, 'done');
  assert.deepEqual((await runs())[1], { from: -1, to: 0, batch: 4 });
  const after = give([c]);
  assert.equal(await after.ended, 'done');
});

test('a worker that dies loses all its batches, and its replacement has the same capacity', async (t) => {
  const { pool, director, calls, give, held } = await heldPool(t);
  const deadly = give([withMark('exit'), b, c, d]);
  const bystander = give([c], { way: straight });
  await director.release();
  assert.deepEqual(await Promise.all([held.ended, deadly.ended, bystander.ended]), ['lost', 'lost', 'lost']);
  await until(() => pool.idle() === 1);
  assert.equal(calls.restarts, 1);
  const after = [give([a]), give([b]), give([c])];
  for (const { ended } of after) assert.equal(await ended, 'done');
});

test('a batch that must run alone is given to an idle worker, which accepts no other batch meanwhile', async (t) => {
  const { pool, director, give, held } = await heldPool(t);
  assert.throws(() => give([b], { alone: true }), /only to a worker that accepts it/);
  await director.release();
  await held.ended;
  await until(() => pool.idle() === 1);
  await director.hold();
  const alone = give([b], { alone: true });
  assert.equal(pool.accepting(), 0);
  await director.release();
  assert.equal(await alone.ended, 'done');
  assert.equal(pool.accepting(), 1);
});

test('segments are loaded when the worker is idle; until then it accepts no batch', async (t) => {
  const wanted = ({ from }: { readonly from: number }) => from === -1;
  const { pool, director, others, more } = await startPool(t, { size: 1, concurrentBatches: 3, wanted });
  await director.hold();
  const before = [poolBatch([a], { way: straight }), poolBatch([b], { way: straight })];
  for (const { batch } of before) pool.run(batch);
  const loaded = more(others);
  assert.equal(pool.accepting(), 0);
  await director.release();
  await loaded;
  assert.deepEqual(await Promise.all(before.map(({ ended }) => ended)), ['done', 'done']);
  const after = poolBatch([c], { way: toTheEnd });
  pool.run(after.batch);
  assert.equal(await after.ended, 'done');
});

test('closing waits for all batches of the worker', async (t) => {
  const { pool, director, give, held } = await heldPool(t);
  const later = give([b, c]);
  const closed = pool.close();
  assert.equal(pool.accepting(), 0);
  await director.release();
  await closed;
  assert.deepEqual(await Promise.all([held.ended, later.ended]), ['done', 'done']);
  assert.deepEqual([held.leavers().length, later.leavers().length], [1, 2]);
});
