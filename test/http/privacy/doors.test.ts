// The privacy modes at every door: what answers say, their headers and their lengths, over all exits.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Prediction } from '../../../src/serving/prediction.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { inferBinary, inferJson, joinBytes, outputsOf } from '../../support/service/inference.js';
import { assertProblem, classify, classifyBatch, predict } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

const privacyIntervalMs = 1;
const off = await startTestService({ after });
const coarse = await startTestService({ after }, { config: { privacy: 'coarse', privacyIntervalMs } });
const strict = await startTestService({ after }, { config: { privacy: 'strict', privacyIntervalMs } });
const images = await testImages(24);
const pngs = images.map(({ png }) => png);
const whole = await Promise.all(pngs.map((png) => predict(off.url, png)));
assert.equal(new Set(whole.map(({ exit }) => exit.index)).size, 3, 'the images leave at every exit');

/** Content types that the short path and Fastify take. */
const paths = ['image/png', 'image/png; by=fastify'];

async function answerOf(url: string, body: Uint8Array, contentType: string, query = '') {
  const response = await fetch(`${url}/classify${query}`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: body as Uint8Array<ArrayBuffer>,
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const revealing = (headers: Headers) =>
  [...headers.keys()].filter((name) => /exit|flops|timing|duration/.test(name));

test('strict: an answer is the class alone, and as long as every other, on both ways of the request', async () => {
  for (const contentType of paths) {
    const lengths = new Set<string>();
    for (const [index, png] of pngs.entries()) {
      const { status, headers, text } = await answerOf(strict.url, png, contentType);
      assert.equal(status, 200, text);
      const { label, classIndex, model, profile, certified } = whole[index] as Prediction;
      assert.deepEqual(JSON.parse(text), { label, classIndex, model, profile, certified });
      assert.deepEqual(revealing(headers), []);
      assert.equal(headers.get('content-type'), 'application/json; charset=utf-8');
      lengths.add(`${headers.get('content-length')}`);
    }
    assert.equal(lengths.size, 1, `${[...lengths]}`);
  }
});

test('strict: the answers of a batch are so too', async () => {
  const lengths = new Set<number>();
  for (let start = 0; start < pngs.length; start += 4) {
    const response = await classifyBatch(strict.url, pngs.slice(start, start + 4));
    const text = await response.text();
    const { results } = JSON.parse(text) as { results: { prediction: object }[] };
    for (const [index, { prediction }] of results.entries()) {
      const { label, classIndex, model, profile, certified } = whole[start + index] as Prediction;
      assert.deepEqual(prediction, { label, classIndex, model, profile, certified });
    }
    lengths.add(text.length);
    assert.deepEqual(revealing(response.headers), []);
  }
  assert.equal(lengths.size, 1);
});

test('strict: so are the outputs of the inference protocol, in both forms', async () => {
  const input = { datatype: 'BYTES', shape: [1] };
  const lengths = { json: new Set<string | null>(), binary: new Set<string | null>() };
  for (const [index, png] of pngs.entries()) {
    const json = await inferJson(strict.url, input, [png.toString('base64')]);
    const binary = await inferBinary(strict.url, input, joinBytes([png]), {
      parameters: { binary_data_output: true },
    });
    lengths.json.add(json.headers.get('content-length'));
    lengths.binary.add(binary.headers.get('content-length'));
    const { label, classIndex, certified } = whole[index] as Prediction;
    for (const response of [json, binary]) {
      const outputs = await outputsOf(response);
      assert.deepEqual(
        Object.entries(outputs).map(([name, { data }]) => [name, ...data]),
        [
          ['label', label],
          ['class_index', classIndex],
          ['certified', certified],
        ],
      );
    }
  }
  assert.equal(lengths.json.size, 1);
  assert.equal(lengths.binary.size, 1);
});

test('strict: nothing that shows or moves the exit can be asked for', async () => {
  const png = pngs[0] as Buffer;
  for (const query of ['explain=path', 'maxExit=1', 'maxFlops=1000000000', 'deadlineMs=1000', 'topK=2']) {
    for (const contentType of paths) {
      const { status, text } = await answerOf(strict.url, png, contentType, `?${query}`);
      assert.equal(status, 400);
      assert.match(
        text,
        new RegExp(`urn:rdi-serve:problem:invalid-query.*${query.split('=')[0]} is unknown`),
      );
    }
  }
  const input = { datatype: 'BYTES', shape: [1] };
  const data = [png.toString('base64')];
  for (const name of ['probabilities', 'exit_index', 'flops']) {
    const refused = await inferJson(strict.url, input, data, { outputs: [{ name }] });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /these are: label, class_index, certified/);
  }
  for (const parameters of [{ max_exit: 0 }, { max_flops: 1e9 }, { deadline_ms: 9 }, { timeout: 9 }]) {
    const refused = await inferJson(strict.url, input, data, { parameters });
    assert.equal(refused.status, 400);
  }
});

test('strict: what is told of models has no output and no count that single answers change', async () => {
  const metadata = (await (await fetch(`${strict.url}/v2/models/tiny`)).json()) as {
    outputs: { name: string }[];
  };
  assert.deepEqual(
    metadata.outputs.map(({ name }) => name),
    ['label', 'class_index', 'certified'],
  );
  assert.equal((await fetch(`${strict.url}/v2/models/tiny/stats`)).status, 404);
  assert.equal((await fetch(`${off.url}/v2/models/tiny/stats`)).status, 200);
  const models = await (await fetch(`${strict.url}/models`)).text();
  assert.match(models, /"privacy":"strict"/);
  assert.doesNotMatch(models, /"audit"/);
  assert.doesNotMatch(await (await fetch(`${off.url}/models`)).text(), /"privacy"/);
});

test('strict: the document that the server serves describes its answers', async () => {
  const document = (await (await fetch(`${strict.url}/openapi.json`)).json()) as {
    components: { schemas: Record<string, { properties?: object; examples?: unknown }> };
    paths: Record<string, { post: { parameters: { name: string }[]; responses: unknown } }>;
  };
  const told = document.components.schemas['Prediction'];
  assert.deepEqual(Object.keys(told?.properties ?? {}), [
    'label',
    'classIndex',
    'model',
    'profile',
    'certified',
    'degraded',
  ]);
  assert.deepEqual(
    document.paths['/classify']?.post.parameters.map(({ name }) => name),
    ['model', 'version', 'profile'],
  );
  assert.doesNotMatch(JSON.stringify(document.paths['/classify']), /x-exit-index|x-flops|server-timing/);
  assert.doesNotMatch(JSON.stringify([told, document.components.schemas['BatchResponse']]), /flops/);
});

test('a failure is the same problem in every mode', async () => {
  for (const { url } of [off, coarse, strict]) {
    const response = await classify(url, Buffer.from('no image'));
    const { detail } = await assertProblem(response, 'undecodable-image');
    assert.match(detail, /image/);
    assert.deepEqual(revealing(response.headers), []);
  }
});

test('coarse: probabilities, scores and times are rounded, and everything else is as without', async () => {
  const twoDecimals = (value: number) => Number(value.toFixed(2));
  for (const contentType of paths) {
    for (const [index, png] of pngs.entries()) {
      const { headers, text } = await answerOf(coarse.url, png, contentType);
      const { timing, ...answer } = JSON.parse(text) as Prediction;
      const { timing: _timing, ...expected } = whole[index] as Prediction;
      assert.deepEqual(answer, {
        ...expected,
        confidence: twoDecimals(expected.confidence),
        top: expected.top.map((one) => ({ ...one, probability: twoDecimals(one.probability) })),
        exit: { ...expected.exit, score: twoDecimals(expected.exit.score) },
      });
      for (const milliseconds of Object.values(timing)) assert.equal(milliseconds % privacyIntervalMs, 0);
      assert.equal(headers.get('x-exit-index'), `${answer.exit.index}`);
      assert.equal(headers.get('server-timing'), null);
    }
  }
});

test('coarse: an explanation and the probabilities of the inference protocol are rounded too', async () => {
  const png = pngs[0] as Buffer;
  const { explanation } = await predict(coarse.url, png, { explain: 'full', topK: 3 });
  const told = explanation?.exits.flatMap(({ score, top }) => [
    score,
    ...top.map(({ probability }) => probability),
  ]);
  assert.equal(told?.length, 3 * 4);
  const outputs = await outputsOf(
    await inferJson(coarse.url, { datatype: 'BYTES', shape: [1] }, [png.toString('base64')]),
  );
  const probabilities = outputs['probabilities']?.data as number[];
  assert.equal(probabilities.length, 10);
  for (const value of [...(told ?? []), ...probabilities]) assert.match(`${value}`, /^\d+(\.\d{1,2})?$/);
});
