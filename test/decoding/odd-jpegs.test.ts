// JPEGs as cameras, phones and editors write them: read like their ordinary siblings, at any size; or refused by name.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createDecoder } from '../../src/decoding/decode.js';
import { mendJpeg } from '../../src/decoding/jpeg/mend.js';
import { hasMoreScans } from '../../src/decoding/jpeg/scans.js';
import { Failure } from '../../src/foundation/errors.js';
import { fromPixels, modelInput, texture, textured } from '../support/images/images.js';
import {
  insertBefore,
  losslessJpeg,
  renameFrame,
  segment,
  waves,
  zeroScanEnd,
} from '../support/images/odd-jpegs.js';

const decoder = createDecoder({ maxImagePixels: 1_000_000, maxImageMemoryBytes: 2 ** 28 });
const [SOF0, DQT, DHT, SOS, EOI] = [0xc0, 0xdb, 0xc4, 0xda, 0xd9];
const stray = Buffer.of(0, 7, 0xff, 0, 9);

const oddities: Record<string, (jpeg: Buffer) => Buffer> = {
  'zeros at the end of the scan header': zeroScanEnd,
  'stray bytes before the frame header': (jpeg) => insertBefore(jpeg, SOF0, stray),
  'stray bytes before the scan': (jpeg) => insertBefore(insertBefore(jpeg, SOS, stray), DHT, stray),
  'padding before a marker': (jpeg) => insertBefore(jpeg, DQT, Buffer.of(0xff, 0xff, 0xff)),
  'a restart marker where none belongs': (jpeg) => insertBefore(jpeg, DQT, Buffer.of(0xff, 0xd3)),
  'two hundred chance scans behind the end': (jpeg) =>
    Buffer.concat([jpeg, ...Array(200).fill(segment(SOS, [1, 1, 0, 0, 63, 0]))]),
  'a whole JPEG with a thousand scans in its metadata': (jpeg) =>
    insertBefore(
      jpeg,
      DQT,
      segment(
        0xe5,
        Array.from({ length: 2000 }, (_, i) => (i % 2 ? SOS : 0xff)),
      ),
    ),
};

for (const [name, make] of Object.entries(oddities)) {
  test(`read, at the model’s size and at others: ${name}`, async () => {
    const jpeg = await textured(32, 32, 3).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer();
    const odd = make(jpeg);
    assert.notDeepEqual(odd, jpeg);
    for (const side of [32, 20, 50]) {
      const input = modelInput({ height: side, width: side, channels: 3 });
      const difference = worst(await decode(odd, input), await decode(jpeg, input));
      assert.ok(difference <= (side === 32 ? 3 : 0), `${side}: differs by ${difference}`);
    }
  });
}

test('coded data that is damaged is refused, mended or not', async () => {
  const jpeg = await textured(40, 40, 3).jpeg().toBuffer();
  const cut = Buffer.concat([jpeg.subarray(0, -200), jpeg.subarray(-2)]);
  const input = modelInput({ height: 28, width: 28, channels: 3 });
  for (const broken of [cut, zeroScanEnd(cut), insertBefore(cut, SOF0, stray)]) {
    await assert.rejects(decode(broken, input), {
      type: 'undecodable-image',
      message: /truncated or corrupt/,
    });
  }
});

test('only what is odd is mended', async () => {
  const jpeg = await textured(40, 40, 3).jpeg().toBuffer();
  const progressive = await textured(40, 40, 3).jpeg({ progressive: true }).toBuffer();
  assert.equal(mendJpeg(jpeg), jpeg);
  assert.equal(mendJpeg(progressive), progressive);
  assert.deepEqual(mendJpeg(zeroScanEnd(jpeg)), jpeg);
  assert.deepEqual(mendJpeg(Buffer.concat([insertBefore(jpeg, DHT, stray), stray])), jpeg);
});

test('scans are counted up to the end of the image, and only scans', async () => {
  const jpeg = await textured(40, 40, 3).jpeg({ progressive: true }).toBuffer();
  let scans = 0;
  while (hasMoreScans(jpeg, scans)) scans++;
  assert.equal(scans, jpeg.toString('latin1').split('\xff\xda').length - 1);
  assert.equal(hasMoreScans(Buffer.concat([jpeg, jpeg, jpeg]), scans), false);
  assert.equal(hasMoreScans(insertBefore(jpeg, DQT, segment(0xe5, [0xff, SOS])), scans), false);
  assert.equal(jpeg.at(-1), EOI);
});

test('a lossless JPEG is read whole, whatever the model’s size', async () => {
  const pixels = texture(224, 200, 1);
  const lossless = losslessJpeg(pixels, 224, 200);
  const png = await fromPixels(pixels, 224, 200, 1).png().toBuffer();
  for (const resize of ['fill', 'cover', 'contain'] as const) {
    for (const side of [28, 224, 240]) {
      const input = modelInput({ height: side, width: side, channels: 1 }, { resize, background: 70 });
      assert.deepEqual(await decode(lossless, input), await decode(png, input), `${resize} ${side}`);
    }
  }
});

test('an arithmetic-coded JPEG is read like its Huffman-coded sibling', async () => {
  for (const side of [64, 28, 5, 90]) {
    const input = modelInput({ height: side, width: side, channels: 1 });
    const difference = worst(await decode(waves.arithmetic, input), await decode(waves.huffman, input));
    assert.ok(difference <= (side === 64 ? 3 : 0), `${side}: differs by ${difference}`);
  }
});

test('refused by name: kinds of JPEG that no decoder here reads', async () => {
  const jpeg = await textured(40, 40, 3).jpeg().toBuffer();
  const deep = Buffer.from(jpeg);
  deep[deep.indexOf(Buffer.of(0xff, 0xc0)) + 4] = 12;
  const kinds: [Buffer, RegExp][] = [
    [renameFrame(jpeg, 0xc5), /hierarchical \(SOF5\).*Send a baseline or progressive JPEG/],
    [renameFrame(jpeg, 0xce), /hierarchical \(SOF14\)/],
    [renameFrame(jpeg, 0xcb), /lossless and arithmetic coded \(SOF11\)/],
    [renameFrame(jpeg, 0xf7), /JPEG-LS/],
    [insertBefore(jpeg, 0xc0, segment(0xde, [8, 0, 40, 0, 40, 1, 1, 0x11, 0])), /hierarchical \(DHP\)/],
    [deep, /coded with 12 bits per sample/],
  ];
  for (const side of [28, 40]) {
    const input = modelInput({ height: side, width: side, channels: 3 });
    for (const [image, message] of kinds) {
      await assert.rejects(decode(image, input), (error) => {
        assert.ok(error instanceof Failure);
        assert.equal(error.type, 'undecodable-image');
        assert.match(error.message, message);
        return true;
      });
    }
  }
});

async function decode(image: Buffer, input: ReturnType<typeof modelInput>): Promise<Uint8Array> {
  return decoder.decode(image, undefined, input);
}

function worst(some: Uint8Array, others: Uint8Array): number {
  assert.equal(some.length, others.length);
  return some.reduce((most, value, index) => Math.max(most, Math.abs(value - (others[index] ?? 0))), 0);
}
