// The pool over real threads: one batch each, cancelling, closing. (Threads that die: contract/worker-faults.)
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { SegmentSource } from '../../src/engines/engine.js';
import type { Path } from '../../src/inference/path.js';
import type { Leaver, Network, Progress } from '../../src/inference/protocol.js';
import { type Batch, createWorkerPool } from '../../src/inference/worker-pool.js';
import { createDirector } from '../support/directed-engine.js';
import { temporaryFolder } from '../support/packages.js';
import { testImages, writeProfiledPackage } from '../support/profiled-package.js';
import { until } from '../support/service.js';

const images = (await testImages(4)).map(({ pixels }) => pixels);

async function startPool(
  t: TestContext,
  size: number,
  wanted: (segment: SegmentSource) => boolean = () => true,
) {
  const { package: tiny } = await writeProfiledPackage(await temporaryFolder(t));
  const { manifest, segments, golden } = tiny;
  const network: Network = { id: 'tiny/1', manifest, segments, golden };
  const director = createDirector(await temporaryFolder(t));
  const calls = { idle: 0 };
  const pool = createWorkerPool({
    size,
    maxBatch: 4,
    engine: { module: director.engineModule, options: {} },
    networks: [{ ...network, segments: segments.filter(wanted) }],
    logger: pino({ level: 'silent' }),
    onIdle: () => calls.idle++,
    onRestart: () => assert.fail('no worker dies here'),
    onNoneLeft: () => assert.fail('no worker dies here'),
  });
  const started = await pool.start();
  t.after(async () => {
    await director.release();
    await pool.close();
  });
  const warmUp = (await director.runs()).length;
  const runs = async () => (await director.runs()).slice(warmUp);
  return { pool, director, started, calls, runs, others: segments.filter((one) => !wanted(one)) };
}

/** Past every exit; two that agree may leave. */
const path: Path = [
  { from: -1, exit: 0, threshold: 2, flops: 1 },
  { from: 0, exit: 1, threshold: 2, flops: 2 },
  { from: 1, exit: 2, threshold: null, flops: 3 },
];

/** A batch through every exit, and what came of it. */
function fullBatch(pixels: readonly Uint8Array[]) {
  const progress: Progress[] = [];
  let end: (how: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const batch: Batch = {
    command: {
      kind: 'run',
      network: 'tiny/1',
      policy: 'patience',
      path,
      pixels: new Uint8Array(Buffer.concat(pixels)), // of its own memory: it is transferred
      deadlines: pixels.map(() => Number.POSITIVE_INFINITY),
      topK: pixels.map(() => 1),
    },
    onProgress: (one) => progress.push(one),
    onDone: () => end('done'),
    onFailed: (reason) => end(`failed: ${reason}`),
    onLost: () => end('lost'),
  };
  const leavers = (): Leaver[] => progress.flatMap((one) => one.leavers);
  return { batch, ended, leavers };
}

test('each worker takes one batch at a time and says when it is idle again', async (t) => {
  const { pool, director, started, calls } = await startPool(t, 2);
  assert.deepEqual(started.engine, { name: 'onnx', device: 'cpu' });
  assert.equal(started.refused.size, 0);
  assert.deepEqual([pool.size, pool.idle(), calls.idle], [2, 2, 2]);
  await director.hold();
  const [first, second] = [fullBatch(images.slice(0, 1)), fullBatch(images)];
  pool.run(first.batch);
  assert.equal(pool.idle(), 1);
  pool.run(second.batch);
  assert.equal(pool.idle(), 0);
  assert.throws(() => pool.run(fullBatch(images).batch), /only to an idle worker\. This is a bug/);
  await director.release();
  assert.deepEqual(await Promise.all([first.ended, second.ended]), ['done', 'done']);
  assert.deepEqual([pool.idle(), calls.idle], [2, 4]);
  assert.deepEqual(first.leavers().length, 1);
  const all = second.leavers().map(({ image }) => image);
  assert.deepEqual(all.sort(), [0, 1, 2, 3], 'everyone leaves once');
});

test('a cancelled image is left out of what follows; cancelling after the end touches nobody', async (t) => {
  const { pool, director, runs } = await startPool(t, 1);
  await director.hold();
  const first = fullBatch(images);
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
  const second = fullBatch(images);
  pool.run(second.batch);
  for (const image of images.keys()) cancel(image);
  await director.release();
  await second.ended;
  assert.equal(second.leavers().length, 4);
});

test('closing lets the batch in hand finish, and only then ends the thread', async (t) => {
  const { pool, director, runs } = await startPool(t, 2);
  await director.hold();
  const { batch, ended, leavers } = fullBatch(images);
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

/** Those that go past the second exit without its head. */
const skipsTheSecond = ({ from, to }: SegmentSource) => from === -1 || (from === 0 && to === 2);

test('segments are loaded into one worker after another, while the others stay at work', async (t) => {
  const { pool, director, others } = await startPool(t, 2, skipsTheSecond);
  assert.ok(others.length > 0);
  const without = fullBatch(images);
  pool.run(without.batch);
  assert.match(await without.ended, /^failed: segment 0>1 of tiny\/1 is not loaded/);

  await director.hold();
  const loaded = pool.load('tiny/1', others);
  assert.equal(pool.idle(), 1);
  await director.release();
  await loaded;
  const both = [fullBatch(images), fullBatch(images)];
  for (const { batch } of both) pool.run(batch);
  assert.deepEqual(await Promise.all(both.map(({ ended }) => ended)), ['done', 'done']);
});

test('a busy worker loads when its batch is done', async (t) => {
  const { pool, director, others } = await startPool(t, 1, skipsTheSecond);
  await director.hold();
  const { batch, ended } = fullBatch(images);
  const direct: Path = [{ from: -1, exit: 2, threshold: null, flops: 1 }];
  pool.run({ ...batch, command: { ...batch.command, path: direct } });
  const loaded = pool.load('tiny/1', others);
  await director.release();
  assert.equal(await ended, 'done');
  await loaded;
  const again = fullBatch(images);
  pool.run(again.batch);
  assert.equal(await again.ended, 'done');
});

test('segments that a worker refuses leave it as it was', async (t) => {
  const { pool, others } = await startPool(t, 1, skipsTheSecond);
  const damaged = others.map((one) => ({ ...one, graph: Uint8Array.of(1, 2, 3) }));
  await assert.rejects(pool.load('tiny/1', damaged), /^PackageError: The onnx engine cannot load it: /);
  await pool.load('tiny/1', others);
  const { batch, ended } = fullBatch(images);
  pool.run(batch);
  assert.equal(await ended, 'done');
});
