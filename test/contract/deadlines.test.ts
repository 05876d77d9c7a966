// deadlineMs: the answer of the first exit reached after it, or 504 if no exit is reached.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPlan } from '../../src/serving/plan.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { createDirector } from '../support/engines/directed-engine.js';
import { textured } from '../support/images/images.js';
import { writeTestPackage } from '../support/packages/network.js';
import { testImages } from '../support/packages/profiled-package.js';
import { assertProblem, classify, classifyBatch, predict } from '../support/service/requests.js';
import { startTestService, until } from '../support/service/service.js';

/** Long enough to reach an idle worker, even on a busy machine. */
const DEADLINE_MS = 1000;

test('if the deadline passes during the first stage, the answer comes from its exit', async (t) => {
  const director = createDirector(t);
  const { url } = await startTestService(t, { engineModule: director.engineModule });
  const image = await hardImage(url);
  const warmUp = (await director.runs()).length;
  await director.hold();
  const late = predict(url, image, { deadlineMs: DEADLINE_MS });
  await until(async () => (await director.runs()).length > warmUp);
  await sleep(DEADLINE_MS);
  await director.release();
  const { exit, flops } = await late;
  assert.deepEqual([exit.index, exit.reason, exit.threshold], [0, 'deadline', 0.6]);
  assert.ok(flops.executed < flops.full);
  const runs = (await director.runs()).slice(warmUp);
  assert.deepEqual(runs, [{ from: -1, to: 0, batch: 1 }], 'nothing behind that exit ran');
});

test('a deadline that passes in the queue is 504 at once, also in a batch; the worker continues', async (t) => {
  const director = createDirector(t);
  const { url, samples } = await startTestService(t, { engineModule: director.engineModule });
  const image = await hardImage(url);
  await director.hold();
  const first = predict(url, image);
  await until(async () => (await samples()).sum('rdi_in_flight') === 1);
  await assertProblem(await classify(url, image, { deadlineMs: 50 }), 'deadline-exceeded');
  const { results } = (await (await classifyBatch(url, [image, image], { deadlineMs: 1 })).json()) as {
    results: { problem?: { status: number } }[];
  };
  assert.deepEqual(
    results.map(({ problem }) => problem?.status),
    [504, 504],
  );
  assert.equal((await samples()).sum('rdi_rejections_total', { reason: 'deadline-exceeded' }), 3);
  await director.release();
  assert.equal((await first).exit.index, 2);
  assert.equal((await samples()).sum('rdi_in_flight'), 0);
});

test('a deadline starts at admission, whatever other images run first', async (t) => {
  const { classifier } = await startTestService(t);
  const [image] = await testImages(1);
  assert.ok(image);
  const { classify: classifyAdmitted, leave } = classifier.admit(1);
  await sleep(50);
  const plan = createPlan(classifier.catalog.find(), { deadlineMs: 10 });
  const late = classifyAdmitted({ bytes: image.png, mediaType: undefined }, plan);
  await assert.rejects(late, { type: 'deadline-exceeded' });
  leave();
});

test('the images of a request are admitted at the same time, but decoded one after another', async (t) => {
  const size = 128;
  const director = createDirector(t);
  const { url, samples } = await startTestService(t, {
    engineModule: director.engineModule,
    config: { maxBatch: 16 },
    writePackages: (directory) => writeTestPackage(directory, { size }),
  });
  const image = await textured(size, size, 3).png().toBuffer();
  await director.hold();
  const first = predict(url, image);
  await until(async () => (await samples()).sum('rdi_in_flight') === 1);
  const batch = classifyBatch(url, new Array(15).fill(image));
  await until(async () => (await samples()).sum('rdi_queue_depth') === 15);
  await director.release();
  await first;
  const { results } = (await (await batch).json()) as { results: { prediction: Prediction }[] };
  // They leave in the same engine call, and are answered in this order.
  const totals = results.map(({ prediction }) => prediction.timing.totalMs);
  assert.deepEqual(
    totals,
    totals.toSorted((a, b) => a - b),
  );
});

test('a deadline in the distant future changes nothing', async (t) => {
  const { url } = await startTestService(t);
  const image = await hardImage(url);
  assert.equal((await predict(url, image, { deadlineMs: 600_000 })).exit.reason, 'final');
});

/** An image that runs to the final exit. */
async function hardImage(url: string): Promise<Buffer> {
  for (const { png } of await testImages(40)) {
    if ((await predict(url, png)).exit.index === 2) return png;
  }
  throw new Error('none of the images is hard');
}
