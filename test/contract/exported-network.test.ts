// A network exported by training/ (PyTorch), end to end: import it, serve it, and compare every exit's answer over HTTP
// with PyTorch's outputs. RDI_EXPORT names the exported folder; without it the test is skipped.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEngine } from '../../src/engines/onnx.js';
import { importPackage } from '../../src/packages/import.js';
import { argmax, softmax } from '../../src/policies/probabilities.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { fromPixels } from '../support/images/images.js';
import { startTestService } from '../support/service/service.js';

const source = process.env['RDI_EXPORT'];
const skip = source ? false : 'RDI_EXPORT names no exported network';

test('every exit gives the same answers over HTTP as in PyTorch', { skip }, async (t) => {
  assert.ok(source);
  const { url, classifier } = await startTestService(t, {
    writePackages: (output) => importPackage({ source, output, force: false, engine: createEngine() }),
  });
  const { manifest, golden } = classifier.catalog.find();
  const exported = JSON.parse(await readFile(join(source, 'golden.json'), 'utf8'));
  assert.deepEqual(golden, exported, 'the golden outputs served are the exporter’s own');

  const { height, width, channels } = manifest.input;
  for (const { pixels, logits } of golden.cases) {
    const image = fromPixels(Buffer.from(pixels, 'base64'), width, height, channels);
    const body = new Uint8Array(await image.png().toBuffer());
    for (const [exit, expectedLogits] of logits.entries()) {
      const query = `profile=full&maxExit=${exit}&topK=${manifest.classes.length}`;
      const response = await fetch(`${url}/classify?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'image/png' },
        body,
      });
      assert.equal(response.status, 200);
      const answer = (await response.json()) as Prediction;
      const expected = softmax(Float32Array.from(expectedLogits));
      assert.equal(answer.exit.index, exit);
      assert.equal(answer.classIndex, argmax(expected));
      for (const { classIndex, probability } of answer.top) {
        const difference = Math.abs(probability - (expected[classIndex] as number));
        assert.ok(difference <= golden.tolerance, `exit ${exit}, class ${classIndex}: off by ${difference}`);
      }
    }
  }
});
