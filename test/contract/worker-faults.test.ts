// Workers that die and engines that throw, with real threads: lost requests are retried once or answered, other
// requests are not affected, and the service continues.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDirector, type Mark, marked } from '../support/engines/directed-engine.js';
import { faultyEngine } from '../support/engines/faulty-engine.js';
import { fromPixels } from '../support/images/images.js';
import { writeListed } from '../support/packages/packages.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import {
  assertProblem,
  assertProblemBody,
  classify,
  classifyBatch,
  predict,
} from '../support/service/requests.js';
import { startTestService, until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const images = await testImages(6);
const sound = images.map(({ png }) => png);
const [png = Buffer.alloc(0)] = sound;

async function service(t: TestContext, config = {}) {
  const director = createDirector(t);
  const started = await startTestService(t, { engineModule: director.engineModule, config });
  const restarts = async () => (await started.samples()).sum('rdi_worker_restarts_total');
  return { ...started, director, restarts };
}

function withMark(mark: Mark): Promise<Buffer> {
  const [{ pixels }] = images as [(typeof images)[0]];
  return fromPixels(marked(pixels, mark), 16, 16, 3).png().toBuffer();
}

test('a worker that dies is replaced, and its request is answered by the next worker', async (t) => {
  const { url, restarts, samples, log } = await service(t);
  const { exit } = await predict(url, await withMark('exit-once'));
  assert.ok(exit.index >= 0);
  await until(async () => (await restarts()) === 1);
  assert.equal((await samples()).sum('rdi_predictions_total'), 1, 'counted once');
  assert.equal((await samples()).sum('rdi_rejections_total'), 0);
  assert.deepEqual(
    log.filter(({ msg }) => `${msg}`.startsWith('worker')).map(({ msg }) => msg),
    ['worker died', 'worker replaced'],
  );
});

test('a replacement that cannot load a served model gets no requests, and is started again', async (t) => {
  const { url, director, restarts, samples, log } = await service(t, { workers: 2 });
  const causes = () => log.flatMap(({ msg, cause }) => (msg === 'worker died' ? [cause] : []));
  const isReplaced = () => log.some(({ msg }) => msg === 'worker replaced');
  await director.refuse();
  await predict(url, await withMark('exit-once'));
  await until(() => causes().length > 1 || isReplaced());
  for (let round = 0; round < 3; round++) for (const image of sound) await predict(url, image);
  assert.equal(isReplaced(), false);
  assert.deepEqual(causes().slice(0, 2), [
    'exit code 3',
    'tiny/1: The onnx engine cannot load it: no memory left.',
  ]);
  await director.accept();
  await until(isReplaced);
  assert.ok((await restarts()) > 1);
  for (const image of sound) await predict(url, image);
  assert.equal((await samples()).sum('rdi_rejections_total'), 0);
});

test('a model refused at the start does not prevent a worker from being replaced', async (t) => {
  const director = createDirector(t);
  const { classifier, url, log } = await startTestService(t, {
    engineModule: director.engineModule,
    writePackages: async (directory) => {
      const { package: other } = await writeProfiledPackage(directory, { name: 'other' });
      const cases = other.golden.cases.map(({ pixels, logits }) => ({
        pixels,
        logits: logits.map((exit) => exit.map((logit) => logit + 1)),
      }));
      await writeListed(other.directory, 'golden.json', JSON.stringify({ ...other.golden, cases }));
      await writeProfiledPackage(directory);
    },
  });
  assert.match(classifier.refused()[0]?.reason ?? '', /^golden\.json is not reproduced/);
  await predict(url, await withMark('exit-once'));
  await until(() => log.some(({ msg }) => msg === 'worker replaced'));
});

for (const mark of ['exit', 'crash'] as const) {
  test(`an image on which every worker dies (${mark}) is answered 503, others are fine`, async (t) => {
    const { url, restarts, samples } = await service(t, { workers: 2 });
    const lost = await classify(url, await withMark(mark));
    assert.equal(lost.headers.get('retry-after'), '1');
    await assertProblem(lost, 'worker-lost');
    for (const image of sound) await predict(url, image);
    await until(async () => (await restarts()) === 2);
    assert.equal((await samples()).sum('rdi_in_flight'), 0);
  });
}

test('of a batch that killed its worker, only the image that caused it is lost', async (t) => {
  const { url, director, restarts, samples } = await service(t);
  const deadly = await withMark('exit');
  await director.hold();
  const first = predict(url, png);
  await until(async () => (await samples()).sum('rdi_in_flight') === 1);
  const batch = classifyBatch(url, [...sound, deadly]);
  await until(async () => (await samples()).sum('rdi_queue_depth') === sound.length + 1);
  await director.release();
  await first;
  const { results } = (await (await batch).json()) as {
    results: { prediction?: object; problem?: Parameters<typeof assertProblemBody>[0] }[];
  };
  assert.deepEqual(
    results.map(({ prediction }) => prediction !== undefined),
    [...sound.map(() => true), false],
  );
  const lost = results.at(-1)?.problem;
  assert.ok(lost);
  assertProblemBody(lost, 'worker-lost');
  const runs = await director.runs();
  assert.ok(
    runs.some((run) => run.batch === sound.length + 1),
    'they were one batch',
  ); // not so the self-check's 8
  await until(async () => (await restarts()) === 2);
  for (const image of sound) await predict(url, image);
});

test('if the engine throws, its batch is answered with 500 and other requests are not affected', async (t) => {
  const { url, restarts, samples, log } = await service(t);
  const problem = await assertProblem(await classify(url, await withMark('throw')), 'internal-error');
  assert.doesNotMatch(problem.detail, /memory/, 'the reason is for the log');
  const line = log.find(({ msg }) => msg === 'internal error') as { err: Error; requestId: string };
  assert.deepEqual([line.err.message, line.requestId], ['no memory left', problem.requestId]);
  for (const image of sound) await predict(url, image);
  assert.equal(await restarts(), 0);
  assert.equal((await samples()).sum('rdi_in_flight'), 0);
});

test('the cause of a failed image of a batch is in the log, with the id of its request', async (t) => {
  const { url, log } = await service(t);
  const response = await classifyBatch(url, [await withMark('throw')]);
  const { results } = (await response.json()) as {
    results: { problem?: Parameters<typeof assertProblemBody>[0] }[];
  };
  const problem = results[0]?.problem;
  assert.ok(problem);
  assertProblemBody(problem, 'internal-error');
  const line = log.find(({ msg }) => msg === 'internal error') as { err: Error; requestId: string };
  assert.deepEqual(
    [line.err.message, line.requestId],
    ['no memory left', response.headers.get('x-request-id')],
  );
});

test('NaN logits are a failure, not an answer', async (t) => {
  const { url, samples } = await service(t);
  const broken = await withMark('not-a-number'); // at the end of the first segment that runs
  for (const profile of ['default', 'softmax', 'margin', 'patience', 'full']) {
    const query = profile === 'full' ? { profile, topK: 3 } : { profile, maxExit: 0 };
    await assertProblem(await classify(url, broken, query), 'internal-error');
  }
  assert.equal((await samples()).sum('rdi_predictions_total'), 0);
  for (const profile of ['default', 'softmax', 'margin', 'patience']) {
    const { exit } = await predict(url, broken, { profile });
    assert.ok(exit.index > 0, 'no exit takes an image for such a score');
  }
  await predict(url, png);
});

test('while the replacement of the only worker starts, requests wait for it', async (t) => {
  const { url, director, samples } = await service(t);
  const warmUp = (await director.runs()).length;
  await director.hold();
  const answers = [predict(url, await withMark('exit-once'))];
  await until(async () => (await director.runs()).length > warmUp);
  await director.pass(); // its successor's self-check is held
  await until(async () => (await samples()).sum('rdi_queue_depth') === 1);
  answers.push(...sound.map((image) => predict(url, image)));
  await until(async () => (await samples()).sum('rdi_queue_depth') === answers.length);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  await director.release();
  await Promise.all(answers);
});

test('if a deadline passes in a worker that dies, the request is answered before the worker is replaced', async (t) => {
  const { url, director } = await service(t);
  const warmUp = (await director.runs()).length;
  await director.hold();
  const late = classify(url, await withMark('exit'), { deadlineMs: 1000 });
  await until(async () => (await director.runs()).length > warmUp);
  await sleep(1000);
  await director.pass(); // its successor's self-check is held
  await assertProblem(await late, 'deadline-exceeded');
  await director.release();
  await predict(url, png);
});

test('if the only worker could not be replaced, requests do not wait for another attempt', async (t) => {
  const { url, director } = await service(t);
  await director.refuse();
  await assertProblem(await classify(url, await withMark('exit-once')), 'worker-lost');
  await director.hold(); // from now on, attempts neither succeed nor fail
  await director.accept();
  await assertProblem(await fetch(`${url}/readyz`), 'worker-lost');
  const response = await classify(url, png);
  assert.ok(Number(response.headers.get('retry-after')) > 0);
  await assertProblem(response, 'worker-lost');
  await director.release();
  await until(async () => (await fetch(`${url}/readyz`)).status === 200);
  await predict(url, png);
});

test('while no worker can be started, requests are answered with 503', async (t) => {
  const gone = `${temporaryFolder()}/gone`;
  const { url, samples, log } = await startTestService(t, {
    engineModule: faultyEngine({ while: gone }),
    config: { workers: 2 },
  });
  await predict(url, png);
  await writeFile(gone, '');
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  for (let request = 0; request < 3; request++) {
    const response = await classify(url, png);
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    await assertProblem(response, 'worker-lost');
  }
  assert.equal((await samples()).sum('rdi_in_flight'), 0);
  await rm(gone);
  await until(async () => (await classify(url, png)).status === 200);
  assert.ok(log.some(({ msg, cause }) => msg === 'worker died' && cause === 'the accelerator is gone'));
});
