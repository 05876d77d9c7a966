// What the Open Inference Protocol's routes refuse: text where its clients look for it, nothing kept, nothing that hangs.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createApiKey } from '../../src/access/keys-file.js';
import { createUniform } from '../../src/foundation/random.js';
import { createDirector, marked } from '../support/engines/directed-engine.js';
import { fromPixels } from '../support/images/images.js';
import { testImages } from '../support/packages/profiled-package.js';
import {
  assertProtocolProblem,
  type Input,
  inferBinary,
  inferJson,
  joinBytes,
  type Message,
  outputsOf,
  sendBinary,
} from '../support/service/inference.js';
import { startTestService, until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const LIMIT = 200_000;
const service = await startTestService({ after }, { config: { maxImageBytes: LIMIT, maxBatchBytes: LIMIT } });
const { url, classifier, config, samples } = service;
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const base64 = png.toString('base64');
const address = `${url}/v2/models/tiny/infer`;
const one = { datatype: 'FP32', shape: [1, 3, 16, 16] };
const zeros = Buffer.alloc(768 * 4);

async function assertNothingKept(): Promise<void> {
  const now = await samples();
  assert.equal(now.sum('rdi_in_flight') + now.sum('rdi_in_flight_bytes') + now.sum('rdi_queue_depth'), 0);
}

test('lying lengths and shapes: each refused with what is wrong', async () => {
  const binary: [RegExp, Input, Uint8Array][] = [
    [/says 768 elements of FP32; 767 arrived/, one, zeros.subarray(4)],
    [/says 768 elements of FP32; 767\.75 arrived/, one, zeros.subarray(1)],
    [
      /\[images, 3, 16, 16\] or \[images, 16, 16, 3\], not \[1,3,16,17\]/,
      { ...one, shape: [1, 3, 16, 17] },
      zeros,
    ],
    [/says 1000000000 images; 1 to 64/, { ...one, shape: [1e9, 3, 16, 16] }, zeros],
    [/says 0 images/, { ...one, shape: [0, 3, 16, 16] }, Buffer.alloc(0)],
    [/says -1 images/, { ...one, shape: [-1, 3, 16, 16] }, zeros],
    [/not \[768\]/, { ...one, shape: [768] }, zeros],
    [/not \[\]/, { ...one, shape: [] }, zeros],
    [/not as "x{64}" and so on\.$/, { ...one, datatype: 'x'.repeat(100_000) }, zeros],
    [/not as "FP64"/, { ...one, datatype: 'FP64' }, zeros],
    [/one input, "image"; 1, the first "picture", arrived/, { ...one, name: 'picture' }, zeros],
    [/end within element 0 of 1/, { datatype: 'BYTES', shape: [1] }, Buffer.from([255, 255, 255, 255, 1])],
    [/end within element 1 of 2/, { datatype: 'BYTES', shape: [2] }, joinBytes([png])],
    [/bytes behind its 1 elements/, { datatype: 'BYTES', shape: [1] }, joinBytes([png, png])],
    [/not \[1,2\]/, { datatype: 'BYTES', shape: [1, 2] }, joinBytes([png, png])],
    [/Element 5 of image 0 is NaN/, one, withValue(5, Number.NaN)],
    [/Element 7 of image 0 is Infinity/, one, withValue(7, Number.POSITIVE_INFINITY)],
    [/no finite output for this tensor/, one, Buffer.from(new Float32Array(768).fill(3e38).buffer)],
  ];
  for (const [message, input, raw] of binary) {
    assert.match(await assertProtocolProblem(await inferBinary(url, input, raw), 'invalid-body'), message);
  }
  await assertNothingKept();
});

function withValue(at: number, value: number): Buffer {
  const values = new Float32Array(768);
  values[at] = value;
  return Buffer.from(values.buffer);
}

test('JSON that is no request, or whose data are not what they say', async () => {
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  const texts: [RegExp, string][] = [
    [/not JSON/, '{'],
    [/empty/, ''],
    [/must be object/, '[]'],
    [/must have required property 'inputs'/, '{}'],
    [/inputs must be array/, '{"inputs":{}}'],
    [/one input.*none arrived/, '{"inputs":[]}'],
    [/far more structure/, `{"inputs":${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}}`],
    [/far more structure/, `{"inputs":${'{}'.repeat(2000)}}`],
    [
      /0 elements|1 arrived|no element/,
      `{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,3,16,16],"data":[${deep}]}]}`,
    ],
  ];
  for (const [message, body] of texts) {
    const response = await fetch(address, { method: 'POST', body: new Blob([body]) });
    assert.match(await assertProtocolProblem(response, 'invalid-body'), message, body.slice(0, 40));
  }
  const pixels = { datatype: 'UINT8', shape: [1, 3, 16, 16] };
  const withFirst = (first: unknown) => [first, ...new Array(767).fill(0)];
  const data: [RegExp, Input, unknown[], Message?][] = [
    [/256 is no element of UINT8/, pixels, withFirst(256)],
    [/-1 is no element/, pixels, withFirst(-1)],
    [/0\.5 is no element/, pixels, withFirst(0.5)],
    [/A value of the type string is no element of FP32/, one, withFirst('0')],
    [/null is no element/, one, withFirst(null)],
    [/is Infinity/, one, withFirst(1e300)],
    [/768 elements of FP32; 769 arrived/, one, withFirst([1, 2])],
    [/an image in base64/, { datatype: 'BYTES', shape: [1] }, [7]],
    [/not base64/, { datatype: 'BYTES', shape: [1] }, ['%']],
    [/says 2 images; 1 arrived/, { datatype: 'BYTES', shape: [2] }, [base64]],
    [/no output "nothing"/, { datatype: 'BYTES', shape: [1] }, [base64], { outputs: [{ name: 'nothing' }] }],
    [
      /asked for twice/,
      { datatype: 'BYTES', shape: [1] },
      [base64],
      { outputs: [{ name: 'label' }, { name: 'label' }] },
    ],
    [
      /Only probabilities/,
      { datatype: 'BYTES', shape: [1] },
      [base64],
      { outputs: [{ name: 'label', parameters: { classification: 1 } }] },
    ],
    [/"max_flop" is not known/, { datatype: 'BYTES', shape: [1] }, [base64], { parameters: { max_flop: 1 } }],
    [
      /max_flops: the cheapest exit/,
      { datatype: 'BYTES', shape: [1] },
      [base64],
      { parameters: { max_flops: 1 } },
    ],
    [
      /max_exit: the final exit/,
      { datatype: 'BYTES', shape: [1] },
      [base64],
      { parameters: { max_exit: 9 } },
    ],
    [
      /profile: tiny\/1 has no "x"/,
      { datatype: 'BYTES', shape: [1] },
      [base64],
      { parameters: { profile: 'x' } },
    ],
    [
      /max_exit must be integer/,
      { datatype: 'BYTES', shape: [1] },
      [base64],
      { parameters: { max_exit: 'all' } },
    ],
  ];
  for (const [message, input, values, rest] of data) {
    const response = await inferJson(url, input, values, rest);
    assert.match(await assertProtocolProblem(response, 'invalid-body'), message);
  }
  await assertNothingKept();
});

test('the binary form: lengths of the JSON and of the tensors that are not true', async () => {
  const described = (size: unknown, more = {}) =>
    JSON.stringify({ inputs: [{ name: 'image', ...one, parameters: { binary_data_size: size }, ...more }] });
  const json = described(zeros.length);
  const cases: [RegExp, string, Uint8Array, string][] = [
    [/must be the number of bytes of the JSON/, json, zeros, '99999999'],
    [/must be the number of bytes of the JSON/, json, zeros, '-1'],
    [/must be the number of bytes of the JSON/, json, zeros, 'many'],
    [/must be the number of bytes of the JSON/, json, zeros, '1e2'],
    [/empty/, json, zeros, '0'],
    [/not JSON/, json, zeros, `${json.length - 1}`],
    [/not JSON/, json, zeros, `${json.length + 4}`],
    [/3072 bytes behind the JSON; 3071 arrived/, json, zeros.subarray(1), `${json.length}`],
    [/4 bytes belong to none/, json, Buffer.alloc(zeros.length + 4), `${json.length}`],
    [/says 99999999999 bytes/, described(99_999_999_999), zeros, `${described(99_999_999_999).length}`],
    [/must be >= 0/, described(-1), zeros, `${described(-1).length}`],
    [/both data and/, described(4, { data: [1] }), zeros, `${described(4, { data: [1] }).length}`],
  ];
  for (const [message, text, tail, length] of cases) {
    const body = Buffer.concat([Buffer.from(text), tail]);
    assert.match(
      await assertProtocolProblem(await sendBinary(address, body, length), 'invalid-body'),
      message,
    );
  }
  const alone = await fetch(address, {
    method: 'POST',
    body: json,
    headers: { 'content-type': 'application/json' },
  });
  assert.match(await assertProtocolProblem(alone, 'invalid-body'), /need the header Inference-Header/);
  await assertNothingKept();
});

test('random and truncated bodies have a client’s error, and leave nothing behind', async () => {
  const random = createUniform(31);
  const json = JSON.stringify({
    inputs: [
      { name: 'image', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: png.length + 4 } },
    ],
  });
  const whole = Buffer.concat([Buffer.from(json), joinBytes([png])]);
  assert.equal((await sendBinary(address, whole, `${json.length}`)).status, 200);
  for (let round = 0; round < 150; round++) {
    const body = Buffer.from(whole);
    for (let change = 0; change < 1 + random() * 6; change++)
      body[Math.floor(random() * body.length)] = random() * 256;
    const cut = body.subarray(0, random() < 0.5 ? body.length : Math.floor(random() * body.length));
    const length = random() < 0.8 ? json.length : Math.floor(random() * whole.length * 1.1);
    const response = await sendBinary(address, cut, `${length}`);
    const text = await response.text();
    assert.ok([200, 400, 422].includes(response.status), `round ${round}: ${response.status} ${text}`);
  }
  await assertNothingKept();
});

test('what /classify refuses is refused here, with the text where clients look for it', async () => {
  const bytes = { datatype: 'BYTES', shape: [1] };
  const text = await assertProtocolProblem(
    await inferBinary(url, bytes, joinBytes([Buffer.from('no')])),
    'undecodable-image',
  );
  assert.match(text, /no image of a known format/);
  const two = await inferBinary(url, { ...bytes, shape: [2] }, joinBytes([png, Buffer.from('no')]));
  assert.match(await assertProtocolProblem(two, 'undecodable-image'), /^Image 1, counted from 0: /);
  await assertProtocolProblem(
    await inferBinary(url, bytes, joinBytes([Buffer.alloc(LIMIT)])),
    'body-too-large',
  );
  await assertProtocolProblem(await inferJson(url, bytes, [base64], { model: 'other' }), 'unknown-model');
  await assertProtocolProblem(await fetch(`${url}/v2/nothing`), 'not-found');
  await assertProtocolProblem(await fetch(address), 'method-not-allowed');
  const admitted = classifier.admit(config.maxInFlight);
  const saturated = await inferJson(url, bytes, [base64]);
  admitted.leave();
  assert.equal(saturated.headers.get('retry-after'), '1');
  await assertProtocolProblem(saturated, 'saturated');
  await assertNothingKept();
});

test('a 415 names the address, what arrived and what is taken, and where an image goes as it is', async () => {
  const taken = 'application\\/json, application\\/octet-stream';
  const to = (path: string) => `${url}/v2/${path}`;
  const cases: [string, Record<string, string>, RegExp][] = [
    [
      address,
      { 'content-type': 'text/plain' },
      new RegExp(`infer takes ${taken}; "text\\/plain" arrived\\.$`),
    ],
    [
      address,
      { 'content-type': 'image/png' },
      new RegExp(`takes ${taken}; "image\\/png" arrived\\. POST \\/classify takes an image as it is\\.$`),
    ],
    [
      to('repository/index'),
      { 'content-type': 'text/plain' },
      new RegExp(`index takes ${taken}; "text\\/plain" arrived\\.$`),
    ],
    [
      address,
      { 'content-type': 'application/json', 'content-encoding': 'br' },
      /with content-encoding gzip or without any, not "br"\.$/,
    ],
  ];
  for (const [where, headers, message] of cases) {
    const response = await fetch(where, { method: 'POST', body: 'a', headers });
    assert.match(await assertProtocolProblem(response, 'unsupported-media-type'), message);
  }
});

test('API keys are needed for all but the probes of the server', async (t) => {
  const { key, line } = createApiKey('tests');
  const apiKeysFile = join(temporaryFolder(), 'keys');
  await writeFile(apiKeysFile, line);
  const locked = await startTestService(t, { config: { apiKeysFile } });
  for (const path of ['/v2/health/live', '/v2/health/ready'])
    assert.equal((await fetch(locked.url + path)).status, 200);
  await assertProtocolProblem(await fetch(`${locked.url}/v2/models/tiny`), 'unauthorized');
  await assertProtocolProblem(
    await inferJson(locked.url, { datatype: 'BYTES', shape: [1] }, [base64]),
    'unauthorized',
  );
  const headers = { authorization: `Bearer ${key}` };
  assert.equal((await fetch(`${locked.url}/v2/models/tiny`, { headers })).status, 200);
});

test('a client that leaves, and an image that fails: the other images are dropped; a deadline that passes is told', async (t) => {
  const director = createDirector(t);
  const held = await startTestService(t, { engineModule: director.engineModule });
  const inFlight = async (count: number) => (await held.samples()).sum('rdi_in_flight') === count;
  const bytes = { datatype: 'BYTES', shape: [2] };
  await director.hold();
  const leaving = new AbortController();
  const body = JSON.stringify({ inputs: [{ name: 'image', ...bytes, data: [base64, base64] }] });
  const left = fetch(`${held.url}/v2/models/tiny/infer`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    signal: leaving.signal,
  });
  await until(() => inFlight(2));
  leaving.abort();
  await assert.rejects(left);
  await until(() => inFlight(0));

  const bad = inferJson(held.url, bytes, [base64, 'bm90IGFuIGltYWdl']);
  await assertProtocolProblem(await bad, 'undecodable-image');
  assert.ok(await inFlight(0));

  const late = inferJson(held.url, { ...bytes, shape: [1] }, [base64], { parameters: { deadline_ms: 20 } });
  await assertProtocolProblem(await late, 'deadline-exceeded');
  await director.release();

  const fatal = marked(image?.pixels ?? new Uint8Array(), 'throw');
  const crashing = await fromPixels(fatal, 16, 16, 3).png().toBuffer();
  const broken = inferJson(held.url, { ...bytes, shape: [1] }, [crashing.toString('base64')]);
  await assertProtocolProblem(await broken, 'internal-error');
  await outputsOf(await inferJson(held.url, { ...bytes, shape: [1] }, [base64]));
});
