// A service whose worker merges batches: with many concurrent requests for all profiles, the answers equal those of a
// service that does not merge, and a fault loses no more requests.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { EngineName } from '../../src/engines/engine-names.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { assertSameAnswer } from '../support/agreement.js';
import { createDirector, marked } from '../support/engines/directed-engine.js';
import { engines } from '../support/engines/engines.js';
import { fromPixels } from '../support/images/images.js';
import { calibration, testImages } from '../support/packages/profiled-package.js';
import { assertProblem, classify, predict } from '../support/service/requests.js';
import { startTestService, until } from '../support/service/service.js';

const CROWD = 96;
const CONCURRENT_BATCHES = 4;

const images = await testImages(CROWD, 5);
const profiles = [...Object.keys(calibration.profiles), 'full'];

/** One request per image, each with another profile than the one before. */
function askAll(url: string): Promise<Prediction[]> {
  return Promise.all(
    images.map(({ png }, index) =>
      predict(url, png, { profile: profiles[index % profiles.length] ?? '', topK: 10 }),
    ),
  );
}

/** The answers of a service that does not merge. */
const wanted = await askAll(
  (await startTestService({ after }, { buffer: { concurrentBatches: 1, eager: false } })).url,
);

async function merging(t: TestContext, name: EngineName = 'onnx') {
  const director = createDirector(t, name);
  const service = await startTestService(t, {
    engineModule: director.engineModule,
    buffer: { concurrentBatches: CONCURRENT_BATCHES, eager: true },
  });
  const warmUp = (await director.runs()).length;
  const runs = async () => (await director.runs()).slice(warmUp);
  return { ...service, director, runs };
}

for (const { name, skip } of engines) {
  test(`${name}: the answers are the same with and without merging`, { skip }, async (t) => {
    const { url, director, runs, samples } = await merging(t, name);
    await director.hold();
    const asked = askAll(url);
    await until(async () => (await samples()).sum('rdi_in_flight') === CROWD);
    await director.release();
    const given = await asked;
    given.forEach((answer, image) => {
      assertSameAnswer(answer, wanted[image] as Prediction, `image ${image}`);
    });

    // No image runs in more segments than its path has, and no call is counted twice.
    const calls = await runs();
    const metrics = await samples();
    for (const stage of [0, 1, 2]) {
      const there = calls.filter(({ to }) => to === stage);
      const reaching = given.filter(({ exit, profile }) => {
        const thresholds = calibration.profiles[profile]?.thresholds ?? [null, null];
        return exit.index >= stage && (stage === 2 || thresholds[stage] !== null);
      });
      const executed = there.reduce((sum, { batch }) => sum + batch, 0);
      assert.equal(executed, reaching.length, `images at exit ${stage}`);
      assert.equal(metrics.sum('rdi_batch_size_sum', { stage }), executed);
      assert.equal(metrics.sum('rdi_batch_size_count', { stage }), there.length);
    }
  });
}

test('requests with different profiles share calls of common segments', async (t) => {
  const { url, director, runs, samples } = await merging(t);
  const [{ png }] = images as [(typeof images)[0]];
  await director.hold();
  const first = predict(url, png, { profile: 'default' });
  await until(async () => (await runs()).length === 1);
  const others = ['softmax', 'margin', 'patience'].map((profile) => predict(url, png, { profile }));
  await until(async () => (await samples()).sum('rdi_in_flight') === 4);
  await director.release();
  await Promise.all([first, ...others]);
  const merged = (await runs()).filter(({ from, batch }) => from === -1 && batch === 3);
  assert.equal(merged.length, 1);
});

test('without eager, a busy worker is given only full batches', async (t) => {
  const director = createDirector(t);
  const { url, samples } = await startTestService(t, {
    engineModule: director.engineModule,
    config: { maxBatch: 4 },
  });
  const warmUp = (await director.runs()).length;
  const runs = async () => (await director.runs()).slice(warmUp);
  const waiting = (count: number) => until(async () => (await samples()).sum('rdi_queue_depth') === count);
  const [{ png }] = images as [(typeof images)[0]];
  const ask = () => predict(url, png, { profile: 'full' });
  await director.hold();
  const answers = [ask()];
  await until(async () => (await runs()).length === 1);
  answers.push(ask(), ask(), ask());
  await waiting(3);
  answers.push(ask());
  await waiting(0);
  assert.equal((await runs()).length, 1, 'they are in the worker’s buffer, not running');
  await director.release();
  await Promise.all(answers);
  assert.deepEqual(
    (await runs()).map(({ batch }) => batch),
    [1, 4],
  );
});

test('of all images in the buffer of a dying worker, only the image that killed it is lost', async (t) => {
  const { url, director, runs, samples } = await merging(t);
  const [{ png, pixels }] = images as [(typeof images)[0]];
  const deadly = await fromPixels(marked(pixels, 'exit'), 16, 16, 3).png().toBuffer();
  await director.hold();
  const sound = [predict(url, png)];
  await until(async () => (await runs()).length === 1);
  const lost = classify(url, deadly);
  sound.push(...['softmax', 'margin', 'full'].map((profile) => predict(url, png, { profile })));
  await until(async () => (await samples()).sum('rdi_in_flight') === 5);
  await director.release();
  await assertProblem(await lost, 'worker-lost');
  assert.equal((await Promise.all(sound)).length, 4);
  await until(async () => (await samples()).sum('rdi_worker_restarts_total') === 2);
});
