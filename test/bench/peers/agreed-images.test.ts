// Nothing is timed where a server answers otherwise; but an image that only decoders disagree on is left out.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { agreedImages } from '../../../bench/peers/agreed-images.js';
import type { ImagesToSend } from '../../../bench/peers/images.js';
import { answersOf } from '../../../bench/peers/same-answers.js';

/** A server that names the brightness of an image as `say` does. */
async function startFake(t: TestContext, name: string, say: (grey: number, type: string) => unknown) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [grey = 0] = await sharp(Buffer.concat(chunks)).raw().toBuffer();
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(say(grey, request.headers['content-type'] ?? '')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { name, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/classify` };
}

const answer = (classIndex: number, confidence = 0.5) => ({
  label: `class ${classIndex}`,
  classIndex,
  confidence,
  top: [{ label: `class ${classIndex}`, classIndex, probability: confidence }],
});
const brightness = (grey: number) => answer(Math.round(grey / 50));

async function greys(format: 'png' | 'jpeg'): Promise<ImagesToSend> {
  const images = await Promise.all(
    [0, 50, 100, 150, 200].map(async (grey) => {
      const plain = sharp({
        create: { width: 8, height: 8, channels: 3, background: { r: grey, g: grey, b: grey } },
      });
      return { name: `grey ${grey}`, bytes: await plain.toFormat(format).toBuffer() };
    }),
  );
  return { source: 'greys', contentType: `image/${format}`, images };
}

test('all are used where all agree; another profile may answer otherwise', async (t) => {
  const full = await startFake(t, 'full', brightness);
  const peer = await startFake(t, 'peer', (grey) => answer(Math.round(grey / 50), 0.5 + grey / 1000));
  const fast = await startFake(t, 'fast', () => answer(0));
  const all = await greys('png');
  const { images, agreement, decodedOtherwise } = await agreedImages(full, [peer], [fast], all);
  assert.deepEqual(images, all);
  assert.deepEqual(decodedOtherwise, []);
  assert.equal(agreement['peer']?.same, 5);
  assert.ok(Math.abs((agreement['peer']?.confidenceGap ?? 0) - 0.2) < 1e-9);
  assert.deepEqual(agreement['fast']?.different, ['grey 50', 'grey 100', 'grey 150', 'grey 200']);
});

test('a peer that answers otherwise is refused, with the image named', async (t) => {
  const full = await startFake(t, 'full', brightness);
  const peer = await startFake(t, 'peer', (grey) => (grey === 100 ? answer(7) : brightness(grey)));
  await assert.rejects(agreedImages(full, [peer], [], await greys('png')), {
    name: 'UsageError',
    message: 'peer and the profile full give different answers to 1 images: grey 100.',
  });
});

test('the same class by another name is another answer', async (t) => {
  const full = await startFake(t, 'full', brightness);
  const peer = await startFake(t, 'peer', (grey) => ({ ...brightness(grey), label: 'another' }));
  await assert.rejects(agreedImages(full, [peer], [], await greys('png')), /to 5 images/);
});

test('what only decoders disagree on is left out', async (t) => {
  const full = await startFake(t, 'full', brightness);
  const peer = await startFake(t, 'peer', (grey, type) =>
    type === 'image/jpeg' && grey === 100 ? answer(7) : brightness(grey),
  );
  const { images, decodedOtherwise } = await agreedImages(full, [peer], [], await greys('jpeg'));
  assert.deepEqual(decodedOtherwise, ['grey 100']);
  assert.deepEqual(
    images.images.map(({ name }) => name),
    ['grey 0', 'grey 50', 'grey 150', 'grey 200'],
  );
});

test('an answer without class, confidence or the best class alone is none', async (t) => {
  const { images, contentType } = await greys('png');
  for (const lacking of ['label', 'classIndex', 'confidence', 'top']) {
    const { url } = await startFake(t, 'peer', () => ({ ...answer(1), [lacking]: undefined }));
    await assert.rejects(answersOf(url, images, contentType), /^Error: grey \d+: The answer lacks label/);
  }
});
