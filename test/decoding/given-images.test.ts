// Files as people sent them, in test/support/images/cases: what the shipped digit model answers to each, and its pixels.
import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createDecoder } from '../../src/decoding/decode.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { fromPixels, modelInput } from '../support/images/images.js';
import { assertProblemBody, post, predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MODEL = 'mnist-smallcnn';
const models = temporaryFolder();
await cp(join('models', MODEL), join(models, MODEL), { recursive: true });
const { url } = await startTestService({ after }, { config: { models } });

const file = (name: string) => readFile(join('test/support/images/cases', name));
const decoder = createDecoder({ maxImagePixels: 1_000_000, maxImageMemoryBytes: 2 ** 28 });
const decode = async (image: Buffer, side: number, channels: 1 | 3 = 1) =>
  decoder.decode(image, undefined, modelInput({ width: side, height: side, channels }));

async function ask(name: string, type: string, headers: Record<string, string> = {}): Promise<Prediction> {
  const response = await post(`${url}/classify`, await file(name), type, headers);
  const text = await response.text();
  assert.equal(response.status, 200, `${name}: ${text}`);
  return JSON.parse(text) as Prediction;
}

/** What does not differ between two requests for an image. */
const comparable = ({ timing: _, ...answer }: Prediction) => answer;

test('JPEGs with zeros at the end of the scan header, or stray bytes between segments: the answer of their sound sibling', async () => {
  const sound = await ask('ok28.jpg', 'image/jpeg');
  assert.equal(sound.label, '3');
  for (const name of ['sos28.jpg', 'stray28.jpg']) {
    const answer = await ask(name, 'image/jpeg');
    assert.equal(answer.label, '3', name);
    assert.ok(Math.abs(answer.confidence - sound.confidence) < 0.05, `${name}: ${answer.confidence}`);
  }
  for (const name of ['sos000000.jpg', 'stray2.jpg']) {
    assert.equal((await ask(name, 'image/jpeg')).label, '3', name);
  }
});

test('the same photograph in two states of oddity: the same pixels, on both paths', async () => {
  const pairs = [
    ['sos28.jpg', 'ok28.jpg'],
    ['stray28.jpg', 'ok28.jpg'],
    ['sos000000.jpg', 'stray2.jpg'],
    ['scan-header-zeros.jpg', 'bytes-behind-the-end.jpg'],
  ] as const;
  for (const [odd, other] of pairs) {
    const [one, two] = await Promise.all([file(odd), file(other)]);
    assert.notDeepEqual(one, two);
    for (const side of [28, 20, 90]) {
      // Of the model's size, one of them may be decoded by the fast path.
      const [some, others] = await Promise.all([decode(one, side, 3), decode(two, side, 3)]);
      const worst = some.reduce((most, value, at) => Math.max(most, Math.abs(value - (others[at] ?? 0))), 0);
      assert.ok(worst <= (side === 28 ? 3 : 0), `${odd}, ${side}: differs by ${worst}`);
    }
  }
});

test('a lossless JPEG larger than the model: the answer and the pixels of a PNG with the same pixels', async () => {
  const [jpeg, png] = [await file('lossless-sof3-224.jpg'), await file('lossless-sof3-224-same-pixels.png')];
  for (const side of [28, 224, 300]) assert.deepEqual(await decode(jpeg, side), await decode(png, side));
  const answer = await ask('lossless-sof3-224.jpg', 'image/jpeg');
  assert.equal(answer.label, '6');
  assert.deepEqual(
    comparable(answer),
    comparable(await ask('lossless-sof3-224-same-pixels.png', 'image/png')),
  );
});

test('a blob in the middle of 20 × 20 pixels is in the middle of the model’s 28 × 28', async () => {
  const pixels = await decode(await file('enlarge-blob-20.png'), 28);
  let [sum, x, y] = [0, 0, 0];
  for (const [at, value] of pixels.entries()) {
    sum += value;
    x += value * ((at % 28) + 0.5);
    y += value * (Math.floor(at / 28) + 0.5);
  }
  assert.ok(Math.hypot(x / sum - 14, y / sum - 14) <= 0.05, `${x / sum}, ${y / sum}`);
});

test('black on white: the digit, and the answer says that it was inverted; also compressed with gzip', async () => {
  const answer = await ask('seven-black-on-white.png', 'image/png');
  assert.deepEqual([answer.label, answer.inverted], ['7', true]);
  const unpacked = await ask('seven-black-on-white.png.gz', 'image/png', { 'content-encoding': 'gzip' });
  assert.deepEqual(comparable(unpacked), comparable(answer));
});

test('black strokes on transparency: an empty image, because the model’s background is black (docs/images.md)', async () => {
  const black = await fromPixels(new Uint8Array(28 * 28), 28, 28, 1)
    .png()
    .toBuffer();
  const empty = comparable(await predict(url, black));
  assert.equal(empty.typicality?.typical, false);
  for (const name of ['transparent-black-strokes.png', 'seven-black-on-transparent.png']) {
    assert.deepEqual(new Set(await decode(await file(name), 28)), new Set([0]), name);
    assert.deepEqual(comparable(await ask(name, 'image/png')), empty, name);
  }
});

test('base64 in the variants of browsers and tools: taken with a data URL or line breaks, else refused by name', async () => {
  const body = await file('batch-base64-variants.json');
  const response = await post(`${url}/classify/batch`, body, 'application/json');
  assert.equal(response.status, 200);
  const { results } = (await response.json()) as {
    results: { prediction?: Prediction; problem?: Parameters<typeof assertProblemBody>[0] }[];
  };
  // A data URL; with line breaks; base64url; without padding; with a newline at its end; as it ought to be.
  assert.deepEqual(
    results.map(({ prediction }) => prediction !== undefined),
    [true, true, false, false, true, true],
  );
  for (const { problem } of results) {
    if (!problem) continue;
    assertProblemBody(problem, 'invalid-body');
    assert.match(problem.detail, /not base64 \(RFC 4648, padded\); line breaks and a data URL/);
  }
  const [last, ...others] = results.flatMap(({ prediction }) => prediction ?? []).reverse();
  assert.ok(last);
  for (const other of others) assert.deepEqual(comparable(other), comparable(last));
});
