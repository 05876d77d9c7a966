// POST /classify: every option; headers, document and the package's costs agree.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fullFlops } from '../../../src/network/execution-path.js';
import { testImages, writeProfiledPackage } from '../../support/packages/profiled-package.js';
import { assertProblem, classify, post, predict } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';

const { url, classifier, log } = await startTestService(
  { after },
  {
    writePackages: async (directory) => {
      await writeProfiledPackage(directory);
      await writeProfiledPackage(directory, { version: '2', seed: 2 });
      await writeProfiledPackage(directory, { name: 'wide', classes: 12 });
    },
  },
);
const images = await testImages(40);
const [{ png }] = images as [(typeof images)[0]];
const { exits } = classifier.catalog.find('tiny', '1').manifest;

test('an answer’s parts agree with each other, with its headers and with the package’s costs', async () => {
  const seen = new Set<number>();
  for (const image of images) {
    const response = await classify(url, image.png);
    assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
    const answer = (await response.json()) as Awaited<ReturnType<typeof predict>>;
    const { exit, flops, timing, top } = answer;
    seen.add(exit.index);
    assert.deepEqual(top, [
      { label: answer.label, classIndex: answer.classIndex, probability: answer.confidence },
    ]);
    assert.equal(answer.label, `class ${answer.classIndex}`);
    assert.deepEqual(answer.model, { name: 'tiny', version: '2' });
    assert.equal(answer.profile, 'default');
    assert.equal(answer.certified, false);
    assert.equal(exit.of, 3);
    assert.equal(exit.name, ['exit-0', 'exit-1', 'final'][exit.index]);
    assert.equal(exit.threshold, [0.6, 0.6, null][exit.index]);
    assert.equal(exit.reason, exit.index === 2 ? 'final' : 'confident');
    assert.ok(exit.index === 2 || exit.score < 0.6);
    assert.equal(flops.executed, exits[exit.index]?.flops.cumulative);
    assert.equal(flops.full, fullFlops(exits));
    assert.equal(flops.saved, flops.full - flops.executed);
    assert.equal(response.headers.get('x-exit-index'), `${exit.index}`);
    assert.equal(response.headers.get('x-flops'), `${flops.executed}`);
    const parts = [timing.decodeMs, timing.queueMs, timing.inferMs, timing.totalMs];
    assert.equal(
      response.headers.get('server-timing'),
      ['decode', 'queue', 'infer', 'total']
        .map((name, i) => `${name};dur=${parts[i]?.toFixed(3)}`)
        .join(', '),
    );
    assert.ok(timing.decodeMs + timing.queueMs + timing.inferMs <= timing.totalMs);
    assert.ok(Math.min(...parts) >= 0 && timing.inferMs > 0);
  }
  assert.deepEqual([...seen].sort(), [0, 1, 2], 'these images leave at every exit');
});

test('topK ranks the classes, best first; the probabilities of all classes sum to 1', async () => {
  const three = await predict(url, png, { topK: 3 });
  const all = await predict(url, png, { topK: 10 });
  assert.deepEqual(three.top, all.top.slice(0, 3));
  assert.deepEqual(
    all.top.map(({ probability }) => probability),
    all.top.map(({ probability }) => probability).sort((a, b) => b - a),
  );
  assert.deepEqual(new Set(all.top.map(({ classIndex }) => classIndex)).size, 10);
  assert.ok(Math.abs(all.top.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-5);
  await assertProblem(await classify(url, png, { topK: 11 }), 'invalid-query');
});

test('a profile’s thresholds apply, and the head of an inactive exit is not counted', async () => {
  const full = await predict(url, png, { profile: 'full' });
  assert.deepEqual([full.exit.index, full.exit.reason], [2, 'final']);
  assert.deepEqual(full.flops, { executed: fullFlops(exits), full: fullFlops(exits), saved: 0 });
  for (const image of images) {
    const { exit, flops } = await predict(url, image.png, { profile: 'second-only' });
    assert.ok(exit.index > 0);
    assert.equal(flops.executed, (exits[exit.index]?.flops.cumulative ?? 0) - (exits[0]?.flops.head ?? 0));
  }
  const unknown = await assertProblem(await classify(url, png, { profile: 'no-such' }), 'invalid-query');
  assert.match(unknown.detail, /default, softmax, margin, patience, second-only, full/);
});

test('maxExit ends the path at that exit, with the reason budget', async () => {
  const full = { profile: 'full', maxExit: 1 };
  const { exit, flops } = await predict(url, png, full);
  assert.deepEqual([exit.index, exit.reason, exit.threshold], [1, 'budget', null]);
  assert.equal(flops.executed, (exits[1]?.flops.cumulative ?? 0) - (exits[0]?.flops.head ?? 0));
  for (const image of images) {
    const free = await predict(url, image.png);
    const bound = await predict(url, image.png, { maxExit: 1 });
    const reason = free.exit.index === 2 ? 'budget' : 'confident';
    assert.deepEqual([bound.exit.index, bound.exit.reason], [Math.min(1, free.exit.index), reason]);
  }
  const beyond = await assertProblem(await classify(url, png, { maxExit: 3 }), 'invalid-query');
  assert.match(beyond.detail, /final exit of tiny\/2 is 2/);
});

test('maxFlops ends the path at the deepest exit within it, exact to one FLOP', async () => {
  const costs = exits.map(({ flops }) => flops.cumulative);
  for (const [index, cost] of costs.entries()) {
    for (const image of images) {
      const { exit, flops } = await predict(url, image.png, { maxFlops: cost });
      assert.ok(exit.index <= index && flops.executed <= cost);
    }
  }
  const [first = 0, second = 0] = costs;
  const patient = { profile: 'patience' }; // no image leaves at its first exit
  assert.equal((await predict(url, png, { ...patient, maxFlops: second - 1 })).exit.index, 0);
  assert.equal((await predict(url, png, { ...patient, maxFlops: first })).exit.reason, 'budget');
  const poor = await assertProblem(await classify(url, png, { maxFlops: first - 1 }), 'invalid-query');
  assert.match(poor.detail, new RegExp(`costs ${first}\\.$`));
});

test('model and version select the model; without a version the newest is used', async () => {
  assert.deepEqual((await predict(url, png, { model: 'tiny', version: 1 })).model.version, '1');
  assert.deepEqual((await predict(url, png, { version: 1 })).model, { name: 'tiny', version: '1' });
  assert.deepEqual((await predict(url, png, { model: 'tiny' })).model.version, '2');
  assert.equal((await predict(url, png, { model: 'wide', topK: 12 })).top.length, 12);
  for (const query of [{ model: 'none' }, { model: 'wide', version: '2' }, { model: '' }]) {
    const { detail } = await assertProblem(await classify(url, png, query), 'unknown-model');
    assert.match(detail, /these are: tiny\/1, tiny\/2, wide\/1\.$/);
  }
});

test('a valid x-request-id is kept and logged; an invalid one is replaced', async () => {
  const kept = await post(`${url}/classify`, png, 'image/png', { 'x-request-id': 'job-7:3.a_B' });
  assert.equal(kept.headers.get('x-request-id'), 'job-7:3.a_B');
  await until(() => log.some(({ requestId, status }) => requestId === 'job-7:3.a_B' && status === 200));
  for (const given of ['', 'two words', 'x'.repeat(129), '<script>']) {
    const { headers } = await post(`${url}/classify`, png, 'image/png', { 'x-request-id': given });
    assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  }
});

test('a content type may have parameters and capitals, but must match the content', async () => {
  for (const type of ['image/png; charset=binary', 'IMAGE/PNG', 'Image/Png;q=1']) {
    assert.equal((await post(`${url}/classify`, png, type)).status, 200, type);
  }
  for (const type of ['IMAGE/JPEG', 'image/webp;a=b']) {
    await assertProblem(await post(`${url}/classify`, png, type), 'undecodable-image');
  }
  await assertProblem(await post(`${url}/classify`, png, 'image/pngx'), 'unsupported-media-type');
});

test('the log has a line for every request, without query, body or headers', async () => {
  await classify(url, png, { profile: 'margin' });
  const lines = log.filter(({ msg }) => msg === 'request');
  assert.ok(lines.length > 0);
  for (const line of lines) {
    const keys = ['level', 'method', 'milliseconds', 'msg', 'requestId', 'route', 'status', 'time'];
    assert.deepEqual(Object.keys(line).sort(), keys);
    assert.equal(line['route'], '/classify');
  }
});
