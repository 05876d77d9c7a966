// Heads by logistic regression: what is linear in the features is found again, the penalty holds weights down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinearHead } from '../../../src/add-exits/heads/exit-graph.js';
import { fitHead } from '../../../src/add-exits/heads/fit-heads.js';
import { applyHead, gram, type Rows } from '../../../src/add-exits/heads/linear-products.js';
import { fitLogistic } from '../../../src/add-exits/heads/logistic-regression.js';
import { normalEquations } from '../../../src/add-exits/heads/normal-equations.js';
import { createEngine } from '../../../src/engines/onnx.js';
import { createUniform } from '../../../src/foundation/random.js';
import { softmax } from '../../../src/policies/probabilities.js';

const engine = createEngine();
const [IMAGES, FEATURES, CLASSES] = [3000, 7, 3];
const uniform = createUniform(5);

/** The last feature never varies; the first is large and far from zero. */
const features: Rows = {
  width: FEATURES,
  values: Float32Array.from({ length: IMAGES * FEATURES }, (_, place) => {
    const one = place % FEATURES;
    return one === FEATURES - 1 ? 4 : one === 0 ? 1000 + 50 * uniform() : uniform() - 0.5;
  }),
};
const truth = {
  weight: Float32Array.from({ length: CLASSES * FEATURES }, (_, place) =>
    place % FEATURES ? uniform() : 0.01,
  ),
  bias: Float32Array.from([1, -2, 0.5]),
};
const logits: Rows = { width: CLASSES, values: await applyHead(engine, features, truth) };

test('products over many rows are those of plain loops', async () => {
  const sums = await gram(engine, features);
  for (const [row, column] of [
    [0, 0],
    [1, 2],
    [5, 3],
  ] as const) {
    let expected = 0;
    for (let image = 0; image < IMAGES; image++) {
      expected +=
        (features.values[image * FEATURES + row] as number) *
        (features.values[image * FEATURES + column] as number);
    }
    const found = sums[row * FEATURES + column] as number;
    assert.ok(
      Math.abs(found - expected) <= 1e-5 * Math.max(1, Math.abs(expected)),
      `${found}, not ${expected}`,
    );
  }
});

test('logits that are linear in the features are found again, up to what a softmax does not see', async () => {
  const equations = await normalEquations(engine, features, logits);
  const head = await fitLogistic(engine, equations, 1e-9);
  const found = await applyHead(engine, features, head);
  for (let image = 0; image < IMAGES; image += 97) {
    const row = (values: Float32Array) => values.subarray(image * CLASSES, (image + 1) * CLASSES);
    const [a, b] = [row(found), row(logits.values)];
    for (let one = 1; one < CLASSES; one++) {
      const [got, wanted] = [(a[one] as number) - (a[0] as number), (b[one] as number) - (b[0] as number)];
      assert.ok(Math.abs(got - wanted) < 2e-3, `${got}, not ${wanted}`);
    }
  }
  assert.equal(head.weight[FEATURES - 1], 0, 'what never varies gets no weight');
  const held = await fitLogistic(engine, equations, 1e6);
  assert.ok(held.weight.every((weight) => Math.abs(weight) < 1e-3));
});

test('no other weights near a head answer more like the network', async () => {
  const bent: Rows = { width: CLASSES, values: logits.values.map((value) => 3 * Math.sin(value)) };
  const head = await fitLogistic(engine, await normalEquations(engine, features, bent), 1e-9);
  const found = await crossEntropy(head, bent);
  assert.ok(found < (await crossEntropy(truth, bent)));
  for (const [place, part] of [
    [1, 0.05],
    [FEATURES, 0.001],
    [2 * FEATURES + 2, 0.05],
  ] as const) {
    for (const change of [part, -part]) {
      const weight = head.weight.with(place, (head.weight[place] as number) + change);
      assert.ok((await crossEntropy({ ...head, weight }, bent)) > found, `${place} ${change}`);
    }
  }
});

/** Of the head's answers with those of `wanted`, the mean over all images. */
async function crossEntropy(head: LinearHead, wanted: Rows): Promise<number> {
  const found = await applyHead(engine, features, head);
  let total = 0;
  for (let image = 0; image < IMAGES; image++) {
    const row = (values: Float32Array) => softmax(values.subarray(image * CLASSES, (image + 1) * CLASSES));
    const [answer, right] = [row(found), row(wanted.values)];
    right.forEach((share, one) => {
      total -= share * Math.log(answer[one] as number);
    });
  }
  return total / IMAGES;
}

test('a head agrees with the network on images apart', async () => {
  const part = (rows: Rows, from: number, to: number): Rows => ({
    width: rows.width,
    values: rows.values.subarray(from * rows.width, to * rows.width),
  });
  const fitted = await fitHead(
    engine,
    { features: part(features, 0, 2000), logits: part(logits, 0, 2000) },
    { features: part(features, 2000, 3000), logits: part(logits, 2000, 3000) },
  );
  assert.ok(fitted.agreement > 0.98, `${fitted.agreement}`);
  assert.equal(fitted.logits.length, 1000 * CLASSES);
});
