// POST /classify with every kind of bad image: each gets the right problem, and the service works as before. Unusual
// but valid images are answered.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { FailureType } from '../../../src/foundation/errors.js';
import type { Prediction } from '../../../src/serving/prediction.js';
import { insertPngChunks, pngChunk, pngOfSize, textured } from '../../support/images/images.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, classify, post, predict } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

const service = await startTestService({ after }, { config: { maxImageBytes: 2 * 1024 * 1024 } });
const { url } = service;
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const colours = textured(40, 30, 3);
const jpeg = await colours.clone().jpeg().toBuffer();
const webp = await colours.clone().webp().toBuffer();

const refused: [string, Uint8Array | undefined, string | undefined, FailureType][] = [
  ['an empty body', Buffer.alloc(0), 'image/png', 'invalid-body'],
  ['no body', undefined, 'image/png', 'invalid-body'],
  ['no body and no type', undefined, undefined, 'invalid-body'],
  ['an empty type', png, '', 'unsupported-media-type'],
  ['an invalid type', png, 'png', 'unsupported-media-type'],
  ['JSON', Buffer.from('{}'), 'application/json', 'unsupported-media-type'],
  ['a form', png, 'multipart/form-data; boundary=x', 'invalid-body'],
  ['a form without boundary', png, 'multipart/form-data', 'invalid-body'],
  ['a GIF', png, 'image/gif', 'unsupported-media-type'],
  ['a GIF named PNG', await colours.clone().gif().toBuffer(), 'image/png', 'undecodable-image'],
  ['text named PNG', Buffer.from('this is no image at all, only text'), 'image/png', 'undecodable-image'],
  ['a PNG named JPEG', png, 'image/jpeg', 'undecodable-image'],
  ['a JPEG named PNG', jpeg, 'image/png', 'undecodable-image'],
  ['a WebP named JPEG', webp, 'image/jpeg', 'undecodable-image'],
  ['text as bytes of any kind', Buffer.from('no image'), 'application/octet-stream', 'undecodable-image'],
  ['a PNG’s signature alone', png.subarray(0, 8), 'image/png', 'undecodable-image'],
  ['a truncated PNG', png.subarray(0, png.length - 40), 'image/png', 'undecodable-image'],
  ['a truncated JPEG', jpeg.subarray(0, jpeg.length >> 1), 'image/jpeg', 'undecodable-image'],
  ['a truncated WebP', webp.subarray(0, webp.length >> 1), 'image/webp', 'undecodable-image'],
  ['a PNG of 50,000 × 50,000 pixels', pngOfSize(50_000, 50_000), 'image/png', 'image-too-large'],
  ['a PNG of 0 × 10 pixels', pngOfSize(0, 10), 'image/png', 'undecodable-image'],
  ['a PNG without pixels', pngOfSize(10, 10), 'image/png', 'undecodable-image'],
  [
    'a PNG with 4 GB chunks',
    Buffer.concat([png.subarray(0, 33), Buffer.alloc(99, 255)]),
    'image/png',
    'undecodable-image',
  ],
  ['2 MB and a byte', Buffer.alloc(2 * 1024 * 1024 + 1), 'image/png', 'body-too-large'],
  ['20 MB', Buffer.alloc(20_000_000), 'image/png', 'body-too-large'],
];

for (const [name, body, type, problem] of refused) {
  test(`${name}: ${problem}`, async () => {
    await assertProblem(await post(`${url}/classify`, body, type), problem);
  });
}

test('the decoder’s messages are in the debug log, with the request’s id', () => {
  const said = service.log.filter(({ level, msg }) => level === 20 && msg === 'undecodable-image');
  assert.ok(said.every(({ requestId }) => typeof requestId === 'string'));
  const messages = said.map(({ err }) => (err as { message: string }).message);
  for (const loader of [/VipsJpeg/, /webp/i]) assert.ok(messages.some((message) => loader.test(message)));
});

/** An APNG with one frame in addition to its default image. */
function animate(still: Buffer): Buffer {
  const numbers = (...values: number[]) => {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, index) => {
      bytes.writeUInt32BE(value, 4 * index);
    });
    return bytes;
  };
  const control = (sequence: number) =>
    pngChunk('fcTL', Buffer.concat([numbers(sequence, 16, 16, 0, 0), Buffer.from([0, 1, 0, 10, 0, 0])]));
  const frame = pngChunk('fdAT', Buffer.concat([numbers(2), deflateSync(Buffer.alloc(16 * 49))]));
  const first = insertPngChunks(still, 'IDAT', pngChunk('acTL', numbers(2, 0)), control(0));
  return insertPngChunks(first, 'IEND', control(1), frame);
}

test('of an animated PNG the default image is classified', async () => {
  const [still, moving] = [
    await predict(url, png, { topK: 10 }),
    await predict(url, animate(png), { topK: 10 }),
  ];
  assert.deepEqual(moving.top, still.top);
});

test('animated WebP, 16-bit and grey PNG, CMYK and progressive JPEG, 1 × 1: all are answered', async () => {
  const frames = [0, 90, 200].map((level) => ({
    create: { width: 20, height: 20, channels: 3 as const, background: { r: level, g: 0, b: level } },
  }));
  const animated = await sharp(await Promise.all(frames.map((frame) => sharp(frame).png().toBuffer())), {
    join: { animated: true },
  })
    .webp()
    .toBuffer();
  const odd: [string, Uint8Array, string][] = [
    ['animated WebP', animated, 'image/webp'],
    ['16-bit PNG', await colours.clone().toColourspace('rgb16').png().toBuffer(), 'image/png'],
    ['grey PNG', await textured(40, 30, 1).png().toBuffer(), 'image/png'],
    ['grey PNG with alpha', await textured(16, 16, 2).png().toBuffer(), 'image/png'],
    ['palette PNG', await colours.clone().png({ palette: true }).toBuffer(), 'image/png'],
    ['CMYK JPEG', await colours.clone().toColourspace('cmyk').jpeg().toBuffer(), 'image/jpeg'],
    ['progressive JPEG', await colours.clone().jpeg({ progressive: true }).toBuffer(), 'image/jpeg'],
    ['1 × 1', await textured(1, 1, 3).png().toBuffer(), 'image/png'],
    ['1 × 5,000', await textured(1, 5000, 3).png().toBuffer(), 'image/png'],
  ];
  assert.equal((await sharp(animated, { animated: true }).metadata()).pages, 3);
  assert.equal((await sharp(odd[1]?.[1]).metadata()).depth, 'ushort');
  assert.equal((await sharp(odd[5]?.[1]).metadata()).space, 'cmyk');
  for (const [name, body, type] of odd) {
    const response = await post(`${url}/classify`, body, type);
    assert.equal(response.status, 200, `${name}: ${await response.text()}`);
  }
});

test('application/octet-stream can be any of the three formats: the content decides', async () => {
  for (const [body, type] of [
    [png, 'image/png'],
    [jpeg, 'image/jpeg'],
    [webp, 'image/webp'],
  ] as const) {
    const [declared, told] = await Promise.all(
      [type, 'application/octet-stream'].map(async (one) => {
        const response = await post(`${url}/classify`, body, one);
        assert.equal(response.status, 200);
        return ((await response.json()) as Prediction).top;
      }),
    );
    assert.deepEqual(told, declared);
  }
});

test('after all of these the service works as before', async () => {
  assert.equal((await classify(url, png)).status, 200);
  const scraped = await service.samples();
  assert.equal(scraped.sum('rdi_in_flight'), 0);
  assert.equal(scraped.sum('rdi_worker_restarts_total'), 0);
  assert.equal(scraped.sum('rdi_rejections_total', { reason: 'internal-error' }), 0);
  for (const type of new Set(refused.map(([, , , problem]) => problem))) {
    const count = refused.filter(([, , , problem]) => problem === type).length;
    assert.equal(scraped.sum('rdi_rejections_total', { reason: type }), count, type);
  }
  assert.ok(!service.log.some(({ level }) => Number(level) >= 50), 'no error in the log');
});
