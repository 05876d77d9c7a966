// Answers of a strict server are equally long, however long the labels of a model are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeResponse } from '../../../src/http/inference-protocol/write-response.js';
import { createDisclosure } from '../../../src/http/privacy/disclosure.js';
import type { StrictPrediction } from '../../../src/serving/privacy/telling.js';

const classes = [
  'cat',
  'automobile',
  'a "quoted" one',
  'Größe',
  '',
  ...Array.from({ length: 8 }, (_, n) => `${n}`),
];
const strict = createDisclosure({ privacy: 'strict', privacyIntervalMs: 5 });

function toldOf(classIndex: number): StrictPrediction {
  const model = { name: 'tiny', version: '1' };
  return { label: classes[classIndex] ?? '', classIndex, model, profile: 'default', certified: true };
}

const everyClass = classes.map((_, index) => toldOf(index));

test('one prediction, and a list of them', () => {
  const texts = everyClass.map((told) => strict.text(told, [told], classes));
  assert.equal(new Set(texts.map((text) => Buffer.byteLength(text))).size, 1);
  assert.deepEqual(
    texts.map((text) => JSON.parse(text)),
    everyClass,
  );
  const pairs = everyClass.map((told) => strict.text([told, told], [told, told], classes));
  assert.equal(new Set(pairs.map((text) => Buffer.byteLength(text))).size, 1);
});

test('the outputs of the inference protocol, in every mixture of its forms', () => {
  for (const binary of [[], ['label'], ['class_index'], ['label', 'class_index']]) {
    const lengths = everyClass.map(({ label, classIndex }) => {
      const outputs = [
        { name: 'label', datatype: 'BYTES' as const, shape: [2], values: [label, label] },
        { name: 'class_index', datatype: 'INT32' as const, shape: [2], values: [classIndex, classIndex] },
      ];
      const form = { id: undefined, isBinary: (name: string) => binary.includes(name) };
      const result = { model: 'tiny', version: '1', outputs, classes };
      return encodeResponse(result, form, true).body.length;
    });
    assert.equal(new Set(lengths).size, 1, `binary: ${binary}; ${lengths}`);
  }
});
