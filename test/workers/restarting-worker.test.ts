// One worker and the replacements of its thread. (worker-pool.test.ts tests the pool.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { startTimer } from '../../src/foundation/timers.js';
import type { Network } from '../../src/network/network.js';
import { createRestartingWorker } from '../../src/workers/restarting-worker.js';
import { startThread } from '../../src/workers/thread.js';
import { createDirector, marked } from '../support/engines/directed-engine.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { poolBatch } from '../support/service/pool.js';
import { until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const [pixels = new Uint8Array()] = (await testImages(1)).map((image) => image.pixels);

async function network(): Promise<Network> {
  const { package: tiny } = await writeProfiledPackage(temporaryFolder());
  return { id: 'tiny/1', manifest: tiny.manifest, segments: tiny.segments, golden: tiny.golden };
}

test('if a thread cannot be created, there is another attempt', async (t) => {
  const tiny = await network();
  const attempts: (readonly Network[])[] = [
    [tiny],
    [{ ...tiny, golden: (() => {}) as never }], // cannot be cloned: `new Worker` throws
    [tiny],
  ];
  let failed = 0;
  const worker = createRestartingWorker({
    index: 0,
    maxBatch: 1,
    concurrentBatches: 1,
    engine: { module: createDirector(t).engineModule, options: {} },
    networks: () => attempts[0] ?? [tiny],
    startThread(...setup) {
      attempts.shift();
      return startThread(...setup);
    },
    startTimer,
    logger: pino({ level: 'silent' }),
    onAccepting: () => {},
    onRestart: () => {},
    onRestartFailed: () => failed++,
  });
  t.after(() => worker.close());
  await worker.start();
  const deadly = poolBatch([marked(pixels, 'exit')]);
  worker.run(deadly.batch);
  assert.equal(await deadly.ended, 'lost');
  await until(() => worker.isIdle());
  assert.deepEqual([failed, attempts.length], [1, 0]);
  const after = poolBatch([pixels]);
  worker.run(after.batch);
  assert.equal(await after.ended, 'done');
});
