// The generated client against a running server (RDI_URL) that has API keys (RDI_API_KEY is one of them).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createClient } from './generated/client/index.js';
import {
  classify,
  classifyBatch,
  getMetrics,
  getModel,
  isReady,
  listModels,
  type Problem,
} from './generated/index.js';

const { RDI_URL: baseUrl = '', RDI_API_KEY: apiKey = '' } = process.env;
const client = createClient({ baseUrl, auth: apiKey });
const image = async (name: string) => new Blob([await readFile(`../../docs/examples/${name}`)]);

test('classifies an image of each format, with options', async () => {
  for (const [name, label] of [
    ['digit-7.png', '7'],
    ['digit-3-large.jpg', '3'],
    ['digit-5.webp', '5'],
  ] as const) {
    const { data, response } = await classify({ client, body: await image(name), query: { topK: 3 } });
    assert.equal(data?.label, label);
    assert.equal(data.top.length, 3);
    assert.ok(data.exit.reason === 'confident' || data.exit.reason === 'final');
    assert.equal(data.flops.saved, data.flops.full - data.flops.executed);
    assert.equal(response?.headers.get('x-exit-index'), `${data.exit.index}`);
  }
});

test('classifies a batch: a prediction or a problem for each image', async () => {
  const png = await readFile('../../docs/examples/digit-2.png');
  const images = [png, Buffer.from('no image')].map((bytes) => bytes.toString('base64'));
  const { data } = await classifyBatch({ client, body: { images } });
  const [first, second] = data?.results ?? [];
  assert.equal(first?.prediction?.label, '2');
  assert.equal(first.problem, undefined);
  assert.equal(second?.problem?.type, 'urn:rdi-serve:problem:undecodable-image');
});

test('lists the models and describes one', async () => {
  const { data: list } = await listModels({ client });
  const name = list?.defaultModel ?? '';
  assert.ok(list?.models.some((model) => model.name === name));
  const { data: model } = await getModel({ client, path: { name } });
  assert.equal(model?.classes.length, 10);
  assert.equal(model.exits.length, 3);
  assert.ok(model.profiles.find((profile) => profile.name === 'balanced')?.certificate?.valid);
});

test('a problem is typed, by status and as a value', async () => {
  const { data, error, response } = await classify({
    client,
    body: await image('digit-7.png'),
    query: { model: 'absent' },
  });
  assert.equal(data, undefined);
  const problem: Problem | undefined = error;
  assert.deepEqual([problem?.type, problem?.status], ['urn:rdi-serve:problem:unknown-model', 404]);
  assert.equal(problem?.requestId, response?.headers.get('x-request-id'));

  await assert.rejects(
    classify({ client, body: new Blob(['no image']), throwOnError: true }),
    (thrown: Problem) => thrown.type === 'urn:rdi-serve:problem:undecodable-image',
  );
});

test('without a key: a problem too; probes need none', async () => {
  const stranger = createClient({ baseUrl });
  const { error } = await listModels({ client: stranger });
  assert.equal(error?.type, 'urn:rdi-serve:problem:unauthorized');
  assert.equal((await isReady({ client: stranger })).data?.status, 'ready');
  assert.match((await getMetrics({ client })).data ?? '', /^rdi_predictions_total\{/m);
});
