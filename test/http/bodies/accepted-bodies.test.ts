// Bodies as browsers, phones, command-line tools and middleware send them: an image in a form, with an inexact content
// type or none, or compressed. What is refused says what arrived and what is taken.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Prediction } from '../../../src/serving/prediction.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, post, predict } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

const LIMIT = 100_000;
const { url, samples } = await startTestService(
  { after },
  { config: { maxImageBytes: LIMIT, maxBatchBytes: LIMIT } },
);
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const { top } = await predict(url, png);
const to = `${url}/classify`;
const json = 'application/json';

async function assertPredicted(response: Response): Promise<void> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.deepEqual((JSON.parse(text) as Prediction).top, top);
}

test('the content decides the format of image/jpg, image/* and of a body without a content type', async () => {
  for (const type of ['image/jpg', 'image/*', 'IMAGE/JPG', undefined]) {
    await assertPredicted(await post(to, png, type));
  }
});

test('a form with one file is the image in it', async () => {
  const form = new FormData();
  form.append('file', new Blob([png]), 'digit.png');
  await assertPredicted(await fetch(to, { method: 'POST', body: form }));
});

test('another form is refused, and says why', async () => {
  const forms: [RegExp, (form: FormData) => void][] = [
    [/0 files/, () => {}],
    [/2 files.*POST \/classify\/batch/, (form) => form.append('other', new Blob([png]), 'other.png')],
    [/the field "topK"/, (form) => form.append('topK', '3')],
    [
      /more than 16 parts/,
      (form) => {
        for (let part = 0; part < 50; part++) form.append('file', new Blob(['a']), 'a.png');
      },
    ],
  ];
  for (const [index, [message, fill]] of forms.entries()) {
    const form = new FormData();
    if (index > 0) form.append('file', new Blob([png]), 'digit.png');
    fill(form);
    const { detail } = await assertProblem(await fetch(to, { method: 'POST', body: form }), 'invalid-body');
    assert.match(detail, message);
  }
  const form = new FormData();
  form.append('file', new Blob([Buffer.alloc(2 * LIMIT)]), 'digit.png');
  await assertProblem(await fetch(to, { method: 'POST', body: form }), 'body-too-large');
});

test('a form that breaks off or has no structure is refused', async () => {
  const whole = Buffer.concat([
    Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n'),
    png,
    Buffer.from('\r\n--b--\r\n'),
  ]);
  const type = 'multipart/form-data; boundary=b';
  await assertPredicted(await post(to, whole, type));
  for (const body of [
    ...[0, 1, 3, 5, 20, 60, 75, 90, whole.length - 20, whole.length - 9].map((end) => whole.subarray(0, end)),
    Buffer.alloc(5000, '-'),
    Buffer.alloc(5000, '\r\n--b'),
    Buffer.from('--b--\r\n'),
  ]) {
    await assertProblem(await post(to, body, type), 'invalid-body');
  }
});

test('a 415 names what arrived and what is taken, and where to send it instead', async () => {
  const cases: [string, string, string | undefined, RegExp][] = [
    [to, '{}', json, /takes image\/png, .*; "application\/json" arrived\. POST \/classify\/batch takes JSON/],
    [to, 'a', 'image/gif', /takes image\/png, .*multipart\/form-data with one file; "image\/gif" arrived\.$/],
    [to, 'a', 'png', /"png" arrived\.$/],
    [to, 'a', 'application/x-www-form-urlencoded', /arrived\. .*with curl, add: -H "content-type:/],
    [
      `${to}/batch`,
      'a',
      'image/png',
      /takes application\/json; "image\/png" arrived\. POST \/classify takes/,
    ],
    [`${to}/batch`, 'a', 'text/plain', /takes application\/json; "text\/plain" arrived\.$/],
  ];
  for (const [address, body, type, message] of cases) {
    const { detail } = await assertProblem(await post(address, body, type), 'unsupported-media-type');
    assert.match(detail, message);
  }
  const untyped = await fetch(`${to}/batch`, { method: 'POST', body: new Blob(['{}']) });
  assert.match((await assertProblem(untyped, 'unsupported-media-type')).detail, /no content type arrived/);
});

test('a body compressed with gzip is unpacked, within the limits', async () => {
  const gzip = { 'content-encoding': 'gzip' };
  await assertPredicted(await post(to, gzipSync(png), 'image/png', gzip));
  await assertPredicted(await post(to, png, 'image/png', { 'content-encoding': 'identity' }));
  const batch = JSON.stringify({ images: [png.toString('base64')] });
  assert.equal((await post(`${to}/batch`, gzipSync(batch), json, gzip)).status, 200);

  const bomb = gzipSync(Buffer.alloc(50_000_000));
  assert.ok(bomb.length < LIMIT);
  await assertProblem(await post(to, bomb, 'image/png', gzip), 'body-too-large');
  const lying = Buffer.from(bomb);
  lying.writeUInt32LE(10, lying.length - 4);
  const twoMembers = Buffer.concat([gzipSync(png), gzipSync(Buffer.alloc(10))]);
  for (const body of [lying, png, gzipSync(png).subarray(0, -9), twoMembers, Buffer.from('a')]) {
    await assertProblem(await post(to, body, 'image/png', gzip), 'invalid-body');
  }
  const { detail } = await assertProblem(
    await post(to, png, 'image/png', { 'content-encoding': 'br' }),
    'unsupported-media-type',
  );
  assert.match(detail, /gzip .*not "br"/);
  assert.equal((await samples()).sum('rdi_in_flight_bytes'), 0);
});

test('images of a batch may be data URLs and have line breaks', async () => {
  const base64 = png.toString('base64');
  const images = [
    base64,
    `${base64}\n`,
    base64.replace(/.{76}/g, '$&\r\n'),
    `data:image/png;base64,${base64}`,
    `data:;base64,${base64}`,
    `data:image/png;charset=x;base64,${base64}\n`,
    'data:image/png,not-base64',
    `data:${'x'.repeat(300)};base64,${base64}`,
    `${base64} `,
    '\n',
  ];
  const response = await post(`${to}/batch`, JSON.stringify({ images }), json);
  const { results } = (await response.json()) as { results: { prediction?: Prediction }[] };
  assert.deepEqual(
    results.map(({ prediction }) => prediction?.top),
    images.map((_, index) => (index < 6 ? top : undefined)),
  );
});
