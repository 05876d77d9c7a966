// POST /v2/models/{model}/infer: the same answers as POST /classify gives, in every form of the input and the outputs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  inferBinary,
  inferenceImages,
  inferJson,
  joinBytes,
  type Message,
  outputsLike,
  outputsOf,
} from '../support/service/inference.js';
import { startTestService } from '../support/service/service.js';

const { url, classifier, samples } = await startTestService({ after });
const { images, answers, pixels, values, raw, own } = await inferenceImages({ url, classifier });

const expected = outputsLike(answers);

/** uint8 or float32 [images, 3, 16, 16] of [images, 16, 16, 3], or of nested arrays. */
function nested(flat: readonly number[], shape: readonly number[]): unknown[] {
  const [, ...rest] = shape;
  if (rest.length === 0) return [...flat];
  const size = rest.reduce((product, one) => product * one, 1);
  return Array.from({ length: flat.length / size }, (_, at) =>
    nested(flat.slice(at * size, (at + 1) * size), rest),
  );
}

function channelsFirst(pixels: Uint8Array): Uint8Array {
  return Uint8Array.from(pixels, (_, at) => {
    const [image, inside] = [Math.floor(at / 768), at % 768];
    return pixels[image * 768 + (inside % 256) * 3 + Math.floor(inside / 256)] ?? 0;
  });
}

test('the images leave at different exits', () => {
  assert.ok(new Set(answers.map(({ exit }) => exit.index)).size >= 2);
});

test('encoded images, pixels and the network’s own values, in binary form and in JSON, have /classify’s answers', async () => {
  const encoded = joinBytes(images.map(({ png }) => png));
  const base64 = images.map(({ png }) => png.toString('base64'));
  const ways: [string, Promise<Response>][] = [
    ['BYTES', inferBinary(url, { datatype: 'BYTES', shape: [8] }, encoded)],
    ['BYTES, one a row', inferBinary(url, { datatype: 'BYTES', shape: [8, 1] }, encoded)],
    ['BYTES, JSON', inferJson(url, { datatype: 'BYTES', shape: [8] }, base64)],
    ['UINT8', inferBinary(url, { datatype: 'UINT8', shape: [8, 16, 16, 3] }, pixels)],
    ['UINT8, channels first', inferBinary(url, { datatype: 'UINT8', shape: own }, channelsFirst(pixels))],
    ['UINT8, JSON', inferJson(url, { datatype: 'UINT8', shape: [8, 16, 16, 3] }, [...pixels])],
    ['FP32', inferBinary(url, { datatype: 'FP32', shape: own }, raw)],
    ['FP32, JSON', inferJson(url, { datatype: 'FP32', shape: own }, [...values])],
    ['FP32, nested', inferJson(url, { datatype: 'FP32', shape: own }, nested([...values], own))],
  ];
  for (const [name, response] of ways) assert.deepEqual(await outputsOf(await response), expected, name);
});

test('values with channels last are exchanged; half floats are read', async () => {
  const lastOf = (first: Float32Array) =>
    Float32Array.from(first, (_, at) => {
      const [image, inside] = [Math.floor(at / 768), at % 768];
      return first[image * 768 + (inside % 3) * 256 + Math.floor(inside / 3)] ?? 0;
    });
  const last = Buffer.from(lastOf(values).buffer);
  const given = await inferBinary(url, { datatype: 'FP32', shape: [8, 16, 16, 3] }, last);
  assert.deepEqual(await outputsOf(given), expected);
  // 1.5 and -0.25 in FP16 are 0x3e00 and 0xb400.
  const halves = Uint16Array.from({ length: 768 }, (_, at) => (at % 2 ? 0x3e00 : 0xb400));
  const whole = Float32Array.from({ length: 768 }, (_, at) => (at % 2 ? 1.5 : -0.25));
  const one = { shape: [1, 3, 16, 16] };
  assert.deepEqual(
    await outputsOf(await inferBinary(url, { datatype: 'FP16', ...one }, Buffer.from(halves.buffer))),
    await outputsOf(await inferBinary(url, { datatype: 'FP32', ...one }, Buffer.from(whole.buffer))),
  );
});

test('outputs are those that are asked for, in JSON and binary, all or single', async () => {
  const input = { datatype: 'FP32', shape: own };
  const infer = async (message: Message) => outputsOf(await inferBinary(url, input, raw, message));
  assert.deepEqual(await infer({ parameters: { binary_data_output: true } }), expected);
  const { flops, label } = expected;
  const binary = { parameters: { binary_data: true } };
  assert.deepEqual(await infer({ outputs: [{ name: 'flops', ...binary }, { name: 'label' }] }), {
    flops,
    label,
  });
  const classes = { parameters: { classification: 2 } };
  const { probabilities } = await infer({ outputs: [{ name: 'probabilities', ...classes }] });
  assert.deepEqual([probabilities?.datatype, probabilities?.shape], ['BYTES', [8, 2]]);
  const texts = answers.flatMap(({ top }) =>
    top.slice(0, 2).map((one) => `${one.probability.toFixed(6)}:${one.classIndex}:${one.label}`),
  );
  assert.deepEqual(probabilities?.data, texts);
});

test('parameters choose the profile, the budget and the deadline', async () => {
  const input = { datatype: 'BYTES', shape: [1] };
  const exitWith = async (parameters: Message['parameters'] & object) => {
    const response = await inferJson(url, input, [images[0]?.png.toString('base64')], { parameters });
    return (await outputsOf(response))['exit_index']?.data[0];
  };
  assert.equal(await exitWith({ profile: 'full' }), 2);
  assert.equal(await exitWith({ profile: 'full', max_exit: 0 }), 0);
  const cost = classifier.catalog.find('tiny').full.paths[1]?.at(-1)?.flops ?? 0;
  assert.equal(await exitWith({ profile: 'full', max_flops: cost }), 1);
  assert.equal(await exitWith({ profile: 'full', timeout: 60_000_000, deadline_ms: 60_000 }), 2);
  assert.equal(await exitWith({ profile: 'full', timeout: 0, priority: 1, sequence_id: 7 }), 2);
});

test('null where something optional is missing, unknown members, an id, a version, and gzip', async () => {
  const request = {
    id: 'mine',
    model_name: 'tiny',
    parameters: null,
    outputs: [{ name: 'label', parameters: null }],
    inputs: [
      {
        name: 'image',
        datatype: 'BYTES',
        shape: [1],
        parameters: null,
        data: [images[0]?.png.toString('base64')],
      },
    ],
  };
  const response = await fetch(`${url}/v2/models/tiny/versions/1/infer`, {
    method: 'POST',
    body: JSON.stringify(request),
    headers: { 'content-type': 'application/json' },
  });
  assert.deepEqual(await response.json(), {
    model_name: 'tiny',
    model_version: '1',
    id: 'mine',
    outputs: [{ name: 'label', datatype: 'BYTES', shape: [1], data: [answers[0]?.label] }],
  });
});

test('every image is counted once, as those of /classify are', async () => {
  const counts = async () => {
    const now = await samples();
    return [now.sum('rdi_predictions_total'), now.sum('rdi_flops_total')] as const;
  };
  const [images, flops] = await counts();
  await outputsOf(await inferBinary(url, { datatype: 'FP32', shape: own }, raw));
  const spent = expected.flops.data.reduce((sum, one) => sum + one, 0);
  assert.deepEqual(await counts(), [images + 8, flops + spent]);
  const now = await samples();
  assert.equal(now.sum('rdi_in_flight') + now.sum('rdi_in_flight_bytes'), 0);
});
